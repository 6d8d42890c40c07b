-- Lets spans that name no session show their trace's, and brings the times of sessions to date.
UPDATE _trace_sessions
SET
  session = (SELECT t.session FROM _traces AS t WHERE t.id = _trace_sessions.trace),
  (start_time_unix_nano, end_time_unix_nano) = (
    SELECT
      coalesce(min(r.start_time_unix_nano), _trace_sessions.start_time_unix_nano),
      coalesce(max(r.end_time_unix_nano), _trace_sessions.end_time_unix_nano)
    FROM (
      SELECT s.start_time_unix_nano, s.end_time_unix_nano FROM _spans AS s WHERE s.trace_session = _trace_sessions.id
      UNION ALL
      SELECT l.time_unix_nano, l.time_unix_nano FROM _logs AS l WHERE l.trace_session = _trace_sessions.id
    ) AS r
  )
WHERE own_session IS NULL
  AND session IS NOT (SELECT t.session FROM _traces AS t WHERE t.id = _trace_sessions.trace);
UPDATE _sessions
SET (start_time_unix_nano, end_time_unix_nano) = (
  SELECT min(p.start_time_unix_nano), max(p.end_time_unix_nano)
  FROM _trace_sessions AS p
  WHERE p.session = _sessions.id AND p.spans + p.logs > 0
);
