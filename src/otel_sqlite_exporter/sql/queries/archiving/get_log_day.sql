-- The day (since 1970-01-01, UTC) of a log record, and its id.
SELECT l.time_unix_nano / 86400000000000 AS day, l.id FROM _logs AS l WHERE l.id = :id;
