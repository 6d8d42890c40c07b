-- How many spans and log records of traces came up to the ids :record and :log: trace id, spans, log records. :traces is an array of
-- trace ids; one that is not in the file is left out.
SELECT
  t.trace_id,
  (SELECT count(*) FROM _spans AS s WHERE s.trace = t.id AND s.id <= :record) AS spans,
  (SELECT count(*) FROM _logs AS l WHERE l.trace = t.id AND l.id <= :log) AS logs
FROM json_each(:traces) AS w
CROSS JOIN _traces AS t ON t.trace_id = w.value;
