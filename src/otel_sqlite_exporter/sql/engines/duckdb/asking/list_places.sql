-- The days of each session and trace, sorted as the locator has them. Views: _sessions and _traces.
SELECT DISTINCT p.kind, p.id, p.date
FROM (
  SELECT 'session' AS kind, s.session_id AS id, s.date FROM _sessions AS s
  UNION ALL
  SELECT 'trace' AS kind, t.trace_id AS id, t.date FROM _traces AS t
) AS p
ORDER BY p.kind, p.id, p.date;
