-- The newest session that :most sessions are newer than.
SELECT x.end_time_unix_nano, x.id
FROM _sessions AS x
WHERE x.end_time_unix_nano IS NOT NULL
ORDER BY x.end_time_unix_nano DESC, x.id DESC
LIMIT 1 OFFSET :most;
