-- Lets rows of _trace_sessions show other sessions. :moves is [[its id, its trace, session, new session or null], ...].
UPDATE _trace_sessions
SET session = w.value ->> 3
FROM json_each(:moves) AS w
WHERE _trace_sessions.id = w.value ->> 0;
