-- The rows of _trace_sessions that show a session, of at most :limit of its traces, with the numbers of their log records
-- and spans. Of a trace those come last that name the session: until then the others show it.
SELECT p.trace, p.id, p.logs, p.spans
FROM (SELECT DISTINCT z.trace FROM _trace_sessions AS z WHERE z.session = :id LIMIT :limit) AS t
CROSS JOIN _trace_sessions AS p ON p.trace = t.trace
WHERE p.session = :id
ORDER BY p.trace, p.own_session IS p.session, p.id;
