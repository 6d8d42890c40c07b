-- Lets spans that name no session show their trace's, and brings the times of sessions to date.
UPDATE _trace_sessions
SET session = (SELECT t.session FROM _traces AS t WHERE t.id = _trace_sessions.trace)
WHERE own_session IS NULL
  AND session IS NOT (SELECT t.session FROM _traces AS t WHERE t.id = _trace_sessions.trace);
UPDATE _sessions
SET
  start_time_unix_nano = (
    SELECT min(p.start_time_unix_nano) FROM _trace_sessions AS p WHERE p.session = _sessions.id AND p.spans + p.logs > 0
  ),
  end_time_unix_nano = (
    SELECT max(p.end_time_unix_nano) FROM _trace_sessions AS p WHERE p.session = _sessions.id AND p.spans + p.logs > 0
  );
