-- The days of traces whose ids are between $first and $last, by id, $most of them. Views: _places (the locator) and
-- _traces (of the manifests that it does not cover).
SELECT DISTINCT p.id, p.date
FROM (
  SELECT l.id, l.date FROM _places AS l WHERE l.kind = 'trace' AND l.id >= $first AND l.id <= $last
  UNION ALL
  SELECT t.trace_id, t.date FROM _traces AS t WHERE t.trace_id >= $first AND t.trace_id <= $last
) AS p
ORDER BY p.id, p.date
LIMIT $most;
