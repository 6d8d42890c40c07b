-- Adds the session that records of a trace show and name. The trace and the sessions are there already.
INSERT INTO _trace_sessions (
  trace, own_session, session, source, source_rank, spans, errors, failed_entries, interrupted, logs, score_logs,
  start_time_unix_nano, end_time_unix_nano
)
VALUES (
  (SELECT t.id FROM _traces AS t WHERE t.trace_id = :trace_id),
  (SELECT x.id FROM _sessions AS x WHERE x.session_id = :own_session_id),
  (SELECT x.id FROM _sessions AS x WHERE x.session_id = :session_id),
  :source, :source_rank, :spans, :errors, :failed_entries, :interrupted, :logs, :score_logs, :start_time_unix_nano,
  :end_time_unix_nano
)
ON CONFLICT (trace, coalesce(own_session, 0)) DO NOTHING;
