-- The first spans of a session, at most :limit.
SELECT s.id
FROM _trace_sessions AS p
CROSS JOIN _spans AS s ON s.trace_session = p.id
WHERE p.session = :id
LIMIT :limit;
