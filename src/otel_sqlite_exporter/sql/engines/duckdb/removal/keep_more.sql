-- Adds the units that show a session that a unit shows which stays. Run it until it adds nothing.
INSERT INTO kept
SELECT DISTINCT p.unit
FROM _trace_sessions AS p
SEMI JOIN (
  SELECT s.session_id FROM _trace_sessions AS s SEMI JOIN kept AS k ON k.unit = s.unit WHERE s.session_id IS NOT NULL
) AS w ON w.session_id = p.session_id
ANTI JOIN kept AS k ON k.unit = p.unit;
