-- Links starts and finishes among the log records and events of a span, and removes the links that they had. :links is
-- [[event, related event or null, link method or null, stem if it may still pair by time], ...].
UPDATE _events
SET related_event = NULL, link_method = NULL
WHERE related_event IN (SELECT w.value ->> 0 FROM json_each(:links) AS w);
UPDATE _events
SET related_event = w.value ->> 1, link_method = w.value ->> 2, stem = w.value ->> 3
FROM json_each(:links) AS w
WHERE _events.id = w.value ->> 0;
UPDATE _trace_sessions
SET candidate_time_unix_nano = max(coalesce(_trace_sessions.candidate_time_unix_nano, 0), g.time_unix_nano)
FROM (
  SELECT e.trace_session, max(e.time_unix_nano) AS time_unix_nano
  FROM json_each(:links) AS w
  CROSS JOIN _events AS e ON e.id = w.value ->> 0
  WHERE w.value ->> 3 IS NOT NULL
  GROUP BY e.trace_session
) AS g
WHERE _trace_sessions.id = g.trace_session;
