-- The days of sessions whose ids are between $first and $last, by id, $most of them. Views: _places (the locator) and
-- _sessions (of the manifests that it does not cover).
SELECT DISTINCT p.id, p.date
FROM (
  SELECT l.id, l.date FROM _places AS l WHERE l.kind = 'session' AND l.id >= $first AND l.id <= $last
  UNION ALL
  SELECT s.session_id, s.date FROM _sessions AS s WHERE s.session_id >= $first AND s.session_id <= $last
) AS p
ORDER BY p.id, p.date
LIMIT $most;
