-- The days (since 1970-01-01, UTC) on which traces start, or log records without a trace are.
SELECT t.start_time_unix_nano / 86400000000000 AS day
FROM _traces AS t
WHERE t.trace_id <> ''
UNION
SELECT l.time_unix_nano / 86400000000000
FROM _traces AS t
JOIN _logs AS l ON l.trace = t.id
WHERE t.trace_id = ''
ORDER BY 1;
