-- Takes records that will be removed from the sums of their rows of _trace_sessions. :spans and :logs are arrays of ids of
-- _spans and _logs.
UPDATE _trace_sessions
SET
  spans = _trace_sessions.spans - g.spans, errors = _trace_sessions.errors - g.errors,
  failed_entries = _trace_sessions.failed_entries - g.failed_entries,
  interrupted = _trace_sessions.interrupted - g.interrupted
FROM (
  SELECT
    s.trace_session, count(*) AS spans, sum(s.status_code = 2) AS errors,
    sum(s.status_code = 2 AND (s.parent_span_id IS NULL OR ifnull(s.parent_is_remote, 0))) AS failed_entries,
    count(*) FILTER (WHERE s.end_time_source = 'estimated') AS interrupted
  FROM json_each(:spans) AS w
  CROSS JOIN _spans AS s ON s.id = w.value
  GROUP BY s.trace_session
) AS g
WHERE _trace_sessions.id = g.trace_session;
UPDATE _trace_sessions
SET logs = _trace_sessions.logs - g.logs, score_logs = _trace_sessions.score_logs - g.score_logs
FROM (
  SELECT
    l.trace_session, count(*) AS logs,
    count(*) FILTER (WHERE l.event_name = 'gen_ai.evaluation.result') AS score_logs
  FROM json_each(:logs) AS w
  CROSS JOIN _logs AS l ON l.id = w.value
  GROUP BY l.trace_session
) AS g
WHERE _trace_sessions.id = g.trace_session;
