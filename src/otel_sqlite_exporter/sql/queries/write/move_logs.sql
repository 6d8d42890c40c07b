-- Moves log records to other rows of _trace_sessions, which hold a span already. The times of the rows that they leave
-- stay as they are. :moves is [[log record, its trace_session, its new trace_session, time, whether it is a score], ...].
-- The time of a score does not count.
UPDATE _logs
SET trace_session = w.value ->> 2
FROM json_each(:moves) AS w
WHERE _logs.id = w.value ->> 0;
UPDATE _events
SET trace_session = w.value ->> 2
FROM json_each(:moves) AS w
WHERE _events.log = w.value ->> 0;
UPDATE _scores
SET trace_session = w.value ->> 2
FROM json_each(:moves) AS w
JOIN _events AS e ON e.log = w.value ->> 0
WHERE _scores.event = e.id;
UPDATE _llm_interactions
SET trace_session = w.value ->> 2
FROM json_each(:moves) AS w
JOIN _events AS e ON e.log = w.value ->> 0
WHERE _llm_interactions.event = e.id;
UPDATE _tool_interactions
SET trace_session = w.value ->> 2, is_stale = 1
FROM json_each(:moves) AS w
JOIN _events AS e ON e.log = w.value ->> 0
WHERE _tool_interactions.event = e.id
  OR (_tool_interactions.start_event = e.id AND _tool_interactions.is_request = 1);
UPDATE _trace_sessions
SET
  logs = _trace_sessions.logs + g.logs,
  score_logs = _trace_sessions.score_logs + g.score_logs,
  start_time_unix_nano = min(_trace_sessions.start_time_unix_nano, coalesce(g.start_time_unix_nano, _trace_sessions.start_time_unix_nano)),
  end_time_unix_nano = max(_trace_sessions.end_time_unix_nano, coalesce(g.end_time_unix_nano, _trace_sessions.end_time_unix_nano))
FROM (
  SELECT
    w.value ->> 2 AS id, count(*) AS logs, count(*) FILTER (WHERE w.value ->> 4) AS score_logs,
    min(w.value ->> 3) FILTER (WHERE NOT w.value ->> 4) AS start_time_unix_nano,
    max(w.value ->> 3) FILTER (WHERE NOT w.value ->> 4) AS end_time_unix_nano
  FROM json_each(:moves) AS w
  GROUP BY w.value ->> 2
) AS g
WHERE _trace_sessions.id = g.id;
UPDATE _trace_sessions
SET logs = _trace_sessions.logs - g.logs, score_logs = _trace_sessions.score_logs - g.score_logs
FROM (
  SELECT w.value ->> 1 AS id, count(*) AS logs, count(*) FILTER (WHERE w.value ->> 4) AS score_logs
  FROM json_each(:moves) AS w
  GROUP BY w.value ->> 1
) AS g
WHERE _trace_sessions.id = g.id;
UPDATE _sessions
SET
  start_time_unix_nano = min(coalesce(_sessions.start_time_unix_nano, g.start_time_unix_nano), g.start_time_unix_nano),
  end_time_unix_nano = max(coalesce(_sessions.end_time_unix_nano, g.end_time_unix_nano), g.end_time_unix_nano)
FROM (
  SELECT p.session, min(w.value ->> 3) AS start_time_unix_nano, max(w.value ->> 3) AS end_time_unix_nano
  FROM json_each(:moves) AS w
  CROSS JOIN _trace_sessions AS p ON p.id = w.value ->> 2
  WHERE NOT w.value ->> 4
  GROUP BY p.session
) AS g
WHERE _sessions.id = g.session;
UPDATE _trace_sessions
SET candidate_time_unix_nano = max(coalesce(_trace_sessions.candidate_time_unix_nano, 0), g.time_unix_nano)
FROM (
  SELECT e.trace_session, max(e.time_unix_nano) AS time_unix_nano
  FROM json_each(:moves) AS w
  JOIN _events AS e ON e.log = w.value ->> 0
  WHERE e.phase IS NOT NULL
  GROUP BY e.trace_session
) AS g
WHERE _trace_sessions.id = g.trace_session;
