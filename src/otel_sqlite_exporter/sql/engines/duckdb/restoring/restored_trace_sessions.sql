-- The sessions that records of traces show and name. $traces is a list of trace ids.
SELECT
  p.trace_id,
  p.session_id,
  p.own_session_id,
  p.source,
  p.source_rank,
  p.spans,
  p.errors,
  p.failed_entries,
  p.interrupted,
  p.logs,
  p.score_logs,
  p.start_time_unix_nano,
  p.end_time_unix_nano
FROM _trace_sessions AS p
SEMI JOIN (SELECT unnest($traces::VARCHAR[]) AS trace_id) AS w ON p.trace_id = w.trace_id
ORDER BY p.trace_id, p.own_session_id;
