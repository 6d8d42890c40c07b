-- The chosen units, and all others that show a session that one of them shows.
SELECT c.unit FROM chosen AS c
UNION
SELECT p.unit
FROM _trace_sessions AS p
SEMI JOIN (
  SELECT s.session_id FROM _trace_sessions AS s SEMI JOIN chosen AS c ON c.unit = s.unit
) AS w ON w.session_id = p.session_id;
