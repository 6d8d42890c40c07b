-- What traces are, and what their records named. $traces is a list of trace ids.
SELECT
  p.trace_id,
  p.session_id,
  p.session_source,
  p._session_rank AS session_rank,
  p._session_is_child AS session_is_child,
  p._session_time_unix_nano AS session_time_unix_nano,
  p._entry_session_rank AS entry_session_rank,
  p.user_id,
  p._user_source AS user_source,
  p._user_rank AS user_rank,
  p._user_is_child AS user_is_child,
  p._user_time_unix_nano AS user_time_unix_nano,
  p._root_rank AS root_rank,
  p._root_time_unix_nano AS root_time_unix_nano,
  p.root_span_id,
  p.start_time_unix_nano,
  p.end_time_unix_nano
FROM _traces AS p
SEMI JOIN (SELECT unnest($traces::VARCHAR[]) AS trace_id) AS w ON p.trace_id = w.trace_id
ORDER BY p.trace_id;
