-- Removes rows of _trace_sessions, _traces and _sessions that no record needs any more. :parts, :traces and :sessions are
-- arrays of their ids.
DELETE FROM _trace_sessions
WHERE id IN (SELECT value FROM json_each(:parts))
  AND NOT EXISTS (SELECT 1 FROM _spans AS s WHERE s.trace_session = _trace_sessions.id)
  AND NOT EXISTS (SELECT 1 FROM _logs AS l WHERE l.trace_session = _trace_sessions.id);
DELETE FROM _traces
WHERE id IN (SELECT value FROM json_each(:traces))
  AND NOT EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.trace = _traces.id);
DELETE FROM _agent_sessions
WHERE session IN (SELECT value FROM json_each(:sessions)) AND calls = 0;
DELETE FROM _sessions
WHERE id IN (SELECT value FROM json_each(:sessions))
  AND NOT EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.session = _sessions.id)
  AND NOT EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.own_session = _sessions.id AND p.own_session IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM _traces AS t WHERE t.session = _sessions.id);
