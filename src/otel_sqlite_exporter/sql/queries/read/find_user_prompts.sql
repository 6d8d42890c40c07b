-- What the user of a coding agent asked, by its log records, in order of time: the first characters of each. Parameters:
-- session_id, since, until, limit. Plan: the log records of the session by index.
SELECT start_time_unix_nano, trace_id, substr(attributes ->> '$.prompt', 1, 400) AS prompt
FROM logs
WHERE session_id = :session_id
  AND event_name GLOB '*user_prompt'
  AND start_time_unix_nano >= :since
  AND start_time_unix_nano < :until
ORDER BY start_time_unix_nano, id
LIMIT :limit;
