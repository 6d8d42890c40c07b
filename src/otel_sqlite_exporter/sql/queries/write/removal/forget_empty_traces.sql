-- Removes these rows of _trace_sessions, which have no records, and those of some traces that have none then. :parts and :traces
-- are arrays of ids of _trace_sessions and _traces.
DELETE FROM _trace_sessions WHERE id IN (SELECT value FROM json_each(:parts));
DELETE FROM _traces
WHERE id IN (SELECT value FROM json_each(:traces))
  AND NOT EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.trace = _traces.id);
