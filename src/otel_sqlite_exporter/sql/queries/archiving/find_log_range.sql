-- The first and the last time of log records, NULL: there are none. Sessions do not count those that are scores.
SELECT (SELECT min(l.time_unix_nano) FROM _logs AS l), (SELECT max(l.time_unix_nano) FROM _logs AS l);
