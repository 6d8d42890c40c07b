CREATE VIEW _session_times AS
-- One row for each session that is shown, with its times. A running span counts with its start; readers put a view of
-- the same name over it in which it counts up to now. Private.
SELECT x.id, x.session_id, x.start_time_unix_nano, x.end_time_unix_nano
FROM _sessions AS x
WHERE x.end_time_unix_nano IS NOT NULL;
