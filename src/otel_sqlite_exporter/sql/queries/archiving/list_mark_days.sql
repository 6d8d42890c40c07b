-- The days (since 1970-01-01, UTC) before :until on which something was said of a session or a trace.
SELECT DISTINCT m.time_unix_nano / 86400000000000 AS day FROM _marks AS m WHERE m.time_unix_nano < :until;
