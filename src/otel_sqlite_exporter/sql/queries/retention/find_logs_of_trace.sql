-- The first log records of a trace, without those that show a session, at most :limit.
SELECT s.id
FROM _trace_sessions AS p
CROSS JOIN _logs AS s ON s.trace_session = p.id
WHERE p.trace = :id AND p.session IS NULL
LIMIT :limit;
