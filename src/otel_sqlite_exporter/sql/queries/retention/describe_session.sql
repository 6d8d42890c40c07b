-- The service of a session, and whether a request of it failed.
SELECT s.service_name, s.failed_requests > 0 AS has_failed
FROM _sessions AS x
CROSS JOIN sessions AS s ON s.session_id = x.session_id
WHERE x.id = :id;
