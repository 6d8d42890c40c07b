-- The start of the first trace that started in a range of time; NULL: there is none.
SELECT min(t.start_time_unix_nano) FROM _traces AS t
WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> '';
