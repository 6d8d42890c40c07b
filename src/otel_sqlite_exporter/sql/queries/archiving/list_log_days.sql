-- The days (since 1970-01-01, UTC) of the log records of a row of _trace_sessions, with the last id of each.
SELECT l.time_unix_nano / 86400000000000 AS day, max(l.id) AS log
FROM _logs AS l
WHERE l.trace_session = :part
GROUP BY 1;
