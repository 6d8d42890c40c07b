-- The service of a trace, and whether it failed.
SELECT t.service_name, t.failed_requests > 0 AS has_failed
FROM _traces AS x
CROSS JOIN traces AS t ON t.trace_id = x.trace_id
WHERE x.id = :id;
