-- How many traces started in a range of time.
SELECT count(*) FROM _traces AS t
WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> '';
