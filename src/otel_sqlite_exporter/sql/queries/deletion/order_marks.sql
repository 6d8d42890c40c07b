-- Puts what is chosen in the order in which it is to go, in a temporary table: whole traces after each other.
INSERT INTO temp._ordered_records (is_log, record, time_unix_nano)
SELECT c.is_log, c.record, c.time_unix_nano
FROM temp._chosen_records AS c
CROSS JOIN _trace_sessions AS p ON p.id = c.part
ORDER BY p.trace, c.is_log DESC, c.record;
