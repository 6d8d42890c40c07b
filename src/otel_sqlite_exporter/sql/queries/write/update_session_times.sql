-- Computes times of sessions again that lost spans, to a stronger session or to another version of a span. :ids is an
-- array of ids of _sessions, :trace_sessions one of _trace_sessions, whose sessions are included.
UPDATE _sessions
SET (start_time_unix_nano, end_time_unix_nano, only_scores) = (
  SELECT
    coalesce(min(p.start_time_unix_nano) FILTER (WHERE p.spans + p.logs > p.score_logs), min(p.start_time_unix_nano)),
    coalesce(max(p.end_time_unix_nano) FILTER (WHERE p.spans + p.logs > p.score_logs), max(p.end_time_unix_nano)),
    count(*) > 0 AND count(*) FILTER (WHERE p.spans + p.logs > p.score_logs) = 0
  FROM _trace_sessions AS p
  WHERE p.session = _sessions.id AND p.spans + p.logs > 0
)
WHERE id IN (
  SELECT value FROM json_each(:ids)
  UNION
  SELECT p.session FROM json_each(:trace_sessions) AS w JOIN _trace_sessions AS p ON p.id = w.value
);
