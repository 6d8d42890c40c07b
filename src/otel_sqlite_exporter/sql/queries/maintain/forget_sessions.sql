-- Forgets which session and user traces show, before all their records name them again. :traces is an array of ids of
-- _traces.
UPDATE _traces
SET
  session = NULL, session_source = NULL, session_rank = NULL, session_is_child = NULL, session_time_unix_nano = NULL,
  entry_session_rank = NULL,
  user_id = NULL, user_source = NULL, user_rank = NULL, user_is_child = NULL, user_time_unix_nano = NULL
WHERE id IN (SELECT value FROM json_each(:traces));
UPDATE _trace_sessions
SET source = NULL, source_rank = NULL
WHERE trace IN (SELECT value FROM json_each(:traces));
