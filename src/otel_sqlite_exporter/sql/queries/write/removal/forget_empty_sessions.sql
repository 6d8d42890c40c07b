-- Removes those of some sessions that no record shows or names. :sessions is an array of ids of _sessions.
DELETE FROM _agent_sessions WHERE session IN (SELECT value FROM json_each(:sessions)) AND calls = 0;
DELETE FROM _sessions
WHERE id IN (SELECT value FROM json_each(:sessions))
  AND NOT EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.session = _sessions.id)
  AND NOT EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.own_session = _sessions.id AND p.own_session IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM _traces AS t WHERE t.session = _sessions.id);
