-- The traces whose records show some sessions. $sessions is a list.
SELECT DISTINCT p.trace_id
FROM _trace_sessions AS p
SEMI JOIN (SELECT unnest($sessions::VARCHAR[]) AS session_id) AS w ON p.session_id = w.session_id
WHERE p.trace_id <> ''
ORDER BY p.trace_id;
