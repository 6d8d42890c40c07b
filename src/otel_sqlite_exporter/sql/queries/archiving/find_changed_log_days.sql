-- The days (since 1970-01-01, UTC) before :until of log records without a trace that came after the id :log, with the last id of
-- each.
SELECT l.time_unix_nano / 86400000000000 AS day, max(l.id) AS log
FROM _traces AS t
CROSS JOIN _trace_sessions AS p ON p.trace = t.id
CROSS JOIN _logs AS l INDEXED BY _logs_trace_session ON l.trace_session = p.id
WHERE t.trace_id = '' AND l.id > :log AND l.time_unix_nano < :until
GROUP BY 1;
