-- Computes sums and times of rows of _trace_sessions again from their records: rows of a replaced or interrupted span,
-- and rows with the time of a record that they lost. :trace_sessions is an array of ids of _trace_sessions.
UPDATE _trace_sessions
SET (spans, errors, failed_entries, interrupted, logs, score_logs, start_time_unix_nano, end_time_unix_nano) = (
  SELECT
    count(r.is_log) - coalesce(sum(r.is_log), 0),
    count(*) FILTER (WHERE r.status_code = 2),
    count(*) FILTER (WHERE r.status_code = 2 AND r.is_entry),
    count(*) FILTER (WHERE r.end_time_source = 'estimated'),
    coalesce(sum(r.is_log), 0),
    coalesce(sum(r.is_score), 0),
    coalesce(min(r.start_time_unix_nano) FILTER (WHERE NOT r.is_score), min(r.start_time_unix_nano), _trace_sessions.start_time_unix_nano),
    coalesce(max(r.end_time_unix_nano) FILTER (WHERE NOT r.is_score), max(r.end_time_unix_nano), _trace_sessions.end_time_unix_nano)
  FROM (
    SELECT 0 AS is_log, 0 AS is_score, s.status_code, s.parent_span_id IS NULL OR ifnull(s.parent_is_remote, 0) AS is_entry, s.end_time_source, s.start_time_unix_nano, s.end_time_unix_nano
    FROM _spans AS s
    WHERE s.trace_session = _trace_sessions.id
    UNION ALL
    SELECT 1, ifnull(l.event_name = 'gen_ai.evaluation.result', 0), NULL, NULL, NULL, l.time_unix_nano, l.time_unix_nano
    FROM _logs AS l
    WHERE l.trace_session = _trace_sessions.id
  ) AS r
)
WHERE id IN (SELECT value FROM json_each(:trace_sessions));
UPDATE _traces
SET (start_time_unix_nano, end_time_unix_nano) = (
  SELECT
    coalesce(min(p.start_time_unix_nano) FILTER (WHERE p.spans + p.logs > p.score_logs), min(p.start_time_unix_nano), _traces.start_time_unix_nano),
    coalesce(max(p.end_time_unix_nano) FILTER (WHERE p.spans + p.logs > p.score_logs), max(p.end_time_unix_nano), _traces.end_time_unix_nano)
  FROM _trace_sessions AS p
  WHERE p.trace = _traces.id AND p.spans + p.logs > 0
)
WHERE id IN (SELECT p.trace FROM json_each(:trace_sessions) AS w JOIN _trace_sessions AS p ON p.id = w.value)
  AND trace_id <> ''; -- that of log records without a trace, which has a row for each session
