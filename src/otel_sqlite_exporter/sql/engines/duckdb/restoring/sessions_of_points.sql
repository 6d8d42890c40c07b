-- Some sessions that data points name and that begin with $prefix: that name itself first.
SELECT DISTINCT p.session_id AS id
FROM _metrics AS p
WHERE starts_with(p.session_id, $prefix)
ORDER BY p.session_id
LIMIT $most;
