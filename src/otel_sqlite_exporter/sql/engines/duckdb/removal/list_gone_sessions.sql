-- The sessions that no unit shows which stays.
SELECT DISTINCT p.session_id
FROM _trace_sessions AS p
ANTI JOIN (
  SELECT s.session_id FROM _trace_sessions AS s SEMI JOIN kept AS k ON k.unit = s.unit WHERE s.session_id IS NOT NULL
) AS w ON w.session_id = p.session_id
WHERE p.session_id IS NOT NULL;
