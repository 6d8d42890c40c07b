-- Brings log records to other rows of _trace_sessions. :moves is [[log record, trace_session], ...].
UPDATE _logs
SET trace_session = w.value ->> 1
FROM json_each(:moves) AS w
WHERE _logs.id = w.value ->> 0;
UPDATE _events
SET trace_session = w.value ->> 1
FROM json_each(:moves) AS w
WHERE _events.log = w.value ->> 0;
UPDATE _llm_interactions
SET trace_session = w.value ->> 1
FROM json_each(:moves) AS w
JOIN _events AS e ON e.log = w.value ->> 0
WHERE _llm_interactions.event = e.id;
UPDATE _tool_interactions
SET trace_session = w.value ->> 1
FROM json_each(:moves) AS w
JOIN _events AS e ON e.log = w.value ->> 0
WHERE _tool_interactions.event = e.id;
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
