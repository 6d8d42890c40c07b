-- Some traces whose ids begin with $prefix: that id itself first.
SELECT DISTINCT p.trace_id AS id
FROM _traces AS p
WHERE starts_with(p.trace_id, $prefix)
ORDER BY p.trace_id
LIMIT $most;
