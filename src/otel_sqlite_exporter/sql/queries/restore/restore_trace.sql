-- Adds a trace, with what its records named. Its session is there already.
INSERT INTO _traces (
  trace_id, session, session_source, session_rank, session_is_child, session_time_unix_nano, entry_session_rank,
  user_id, user_source, user_rank, user_is_child, user_time_unix_nano, root_rank, root_time_unix_nano, root_span_id,
  start_time_unix_nano, end_time_unix_nano
)
VALUES (
  :trace_id, (SELECT x.id FROM _sessions AS x WHERE x.session_id = :session_id), :session_source, :session_rank,
  :session_is_child, :session_time_unix_nano, :entry_session_rank, :user_id, :user_source, :user_rank, :user_is_child,
  :user_time_unix_nano, :root_rank, :root_time_unix_nano, :root_span_id, :start_time_unix_nano, :end_time_unix_nano
)
ON CONFLICT (trace_id) DO NOTHING;
