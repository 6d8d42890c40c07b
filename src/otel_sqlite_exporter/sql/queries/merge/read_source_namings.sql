-- The sessions and users by which rows of _trace_sessions (:parts, ids) and their traces are known: also those that a
-- version of a span named which the file did not keep.
SELECT
  p.id,
  p.source_rank, own.session_id, p.source,
  t.session_rank, t.session_is_child, t.session_time_unix_nano, w.session_id, t.session_source,
  t.user_rank, t.user_is_child, t.user_time_unix_nano, t.user_id, t.user_source,
  t.entry_session_rank
FROM json_each(:parts) AS j
CROSS JOIN _trace_sessions AS p ON p.id = j.value
CROSS JOIN _traces AS t ON t.id = p.trace
LEFT JOIN _sessions AS own ON own.id = p.own_session
LEFT JOIN _sessions AS w ON w.id = t.session;
