-- The first and the last time of log records without a trace, NULL: there are none.
SELECT min(p.start_time_unix_nano), max(p.end_time_unix_nano)
FROM _traces AS t
CROSS JOIN _trace_sessions AS p ON p.trace = t.id
WHERE t.trace_id = '' AND p.logs > 0;
