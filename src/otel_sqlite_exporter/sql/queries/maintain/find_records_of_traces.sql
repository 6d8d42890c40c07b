-- All spans and log records of some traces, as two JSON arrays of ids. :traces is an array of ids of _traces.
SELECT
  (SELECT json_group_array(s.id) FROM json_each(:traces) AS w JOIN _spans AS s ON s.trace = w.value) AS spans,
  (SELECT json_group_array(l.id) FROM json_each(:traces) AS w JOIN _logs AS l ON l.trace = w.value) AS logs;
