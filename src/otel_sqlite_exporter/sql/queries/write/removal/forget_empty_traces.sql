-- Removes rows of _trace_sessions and _traces without records. :parts and :traces are arrays of their ids.
DELETE FROM _trace_sessions
WHERE id IN (SELECT value FROM json_each(:parts))
  AND NOT EXISTS (SELECT 1 FROM _spans AS s WHERE s.trace_session = _trace_sessions.id)
  AND NOT EXISTS (SELECT 1 FROM _logs AS l WHERE l.trace_session = _trace_sessions.id);
DELETE FROM _traces
WHERE id IN (SELECT value FROM json_each(:traces))
  AND NOT EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.trace = _traces.id);
