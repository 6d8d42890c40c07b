-- Removes those of some sessions that no record shows or names, with their notes. :sessions is an array of ids of _sessions.
DELETE FROM _agent_sessions WHERE session IN (SELECT value FROM json_each(:sessions)) AND calls = 0;
DELETE FROM _marks
WHERE kind = 1 AND is_set = 1 AND trace_id = '' AND session_id IN (
  SELECT s.session_id
  FROM json_each(:sessions) AS g CROSS JOIN _sessions AS s ON s.id = g.value
  WHERE NOT EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.session = s.id)
    AND NOT EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.own_session = s.id AND p.own_session IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM _traces AS t WHERE t.session = s.id)
);
DELETE FROM _sessions
WHERE id IN (SELECT value FROM json_each(:sessions))
  AND NOT EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.session = _sessions.id)
  AND NOT EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.own_session = _sessions.id AND p.own_session IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM _traces AS t WHERE t.session = _sessions.id);
