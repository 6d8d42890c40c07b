CREATE VIEW record_times AS
-- One row for each span and each log record, as source says ('span', 'log'): its id in the view spans or logs, and its
-- time. Counting what is in a range of time reads an index only, where these views read each row.
SELECT 'span' AS source, s.id, s.start_time_unix_nano
FROM _spans AS s
UNION ALL
SELECT 'log', l.id, l.time_unix_nano
FROM _logs AS l;
