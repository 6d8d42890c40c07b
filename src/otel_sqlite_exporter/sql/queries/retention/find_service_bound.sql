-- The newest session of :services (a JSON array) that :most of their sessions are newer than.
SELECT x.end_time_unix_nano, x.id
FROM _sessions AS x
CROSS JOIN sessions AS s ON s.session_id = x.session_id
WHERE x.end_time_unix_nano IS NOT NULL AND s.service_name IN (SELECT j.value FROM json_each(:services) AS j)
ORDER BY x.end_time_unix_nano DESC, x.id DESC
LIMIT 1 OFFSET :most;
