-- The rows of the table scores of a dataset: those of the view scores, of traces that start in a range of time, and of log records
-- without a trace whose time is in it. The parameters are those of archive_spans.
SELECT
  :id_base + s.id AS id, s.trace_id, s.span_id, s.session_id, :id_base + s.call_id AS call_id, s.service_name, s.source, s.name, s.value, s.label,
  s.explanation, s.response_id, s.error_type, s.start_time_unix_nano, s.attribute_types, s.attributes
FROM (
  SELECT c.event
  FROM _traces AS t
  CROSS JOIN _trace_sessions AS p ON p.trace = t.id
  CROSS JOIN _scores AS c ON c.trace_session = p.id
  WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
    AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
  UNION ALL
  SELECT c.event
  FROM _scores AS c
  CROSS JOIN _trace_sessions AS p ON p.id = c.trace_session
  CROSS JOIN _traces AS t ON t.id = p.trace
  WHERE c.time_unix_nano >= :since AND c.time_unix_nano < :until AND iif(t.trace_id = '' AND :traces IS NULL, c.event, 0) > 0
) AS n
CROSS JOIN scores AS s ON s.id = n.event
ORDER BY s.start_time_unix_nano, s.id;
