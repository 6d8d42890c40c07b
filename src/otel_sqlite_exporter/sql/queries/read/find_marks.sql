-- A page of the marks of a session and of the traces that show it, or of a trace; with both, of the trace if it shows the
-- session. Also of those that were taken away.
SELECT m.id, m.kind, m.session_id, m.trace_id, m.is_set, m.text, m.time_unix_nano
FROM (
  SELECT :session_id AS session_id, '' AS trace_id
  WHERE :trace_id IS NULL
  UNION ALL
  SELECT DISTINCT '', t.trace_id
  FROM _sessions AS x
  CROSS JOIN _trace_sessions AS p ON p.session = x.id
  CROSS JOIN _traces AS t ON t.id = p.trace
  WHERE x.session_id = :session_id AND t.trace_id <> '' AND ifnull(t.trace_id = :trace_id, 1)
  UNION ALL
  SELECT '', :trace_id
  WHERE :session_id IS NULL
) AS w
CROSS JOIN _marks AS m ON m.session_id = w.session_id AND m.trace_id = w.trace_id
WHERE m.id > :after
ORDER BY m.id
LIMIT :limit;
