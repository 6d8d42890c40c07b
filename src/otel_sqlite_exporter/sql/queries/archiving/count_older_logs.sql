-- How many log records without a trace of a range of time came up to the id :log.
SELECT count(*)
FROM _traces AS t
CROSS JOIN _logs AS l INDEXED BY _logs_time ON l.trace = t.id
WHERE t.trace_id = '' AND l.time_unix_nano >= :since AND l.time_unix_nano < :until AND l.id <= :log;
