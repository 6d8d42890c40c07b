-- The sessions that a unit shows which stays.
SELECT DISTINCT p.session_id
FROM _trace_sessions AS p
SEMI JOIN kept AS k ON k.unit = p.unit
WHERE p.session_id IS NOT NULL;
