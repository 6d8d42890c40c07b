-- Those of some sessions with more than :most rows of _trace_sessions, as a JSON array. :sessions is an array of ids of
-- _sessions.
SELECT json_group_array(w.value)
FROM json_each(:sessions) AS w
WHERE EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.session = w.value LIMIT 1 OFFSET :most);
