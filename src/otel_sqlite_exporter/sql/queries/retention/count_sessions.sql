-- The number of sessions that are shown.
SELECT count(*) FROM _sessions AS x WHERE x.end_time_unix_nano IS NOT NULL;
