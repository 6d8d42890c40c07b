-- Removes these rows of _trace_sessions, which have no records, and those of some traces that have none then, with their
-- notes. :parts and :traces are arrays of ids of _trace_sessions and _traces.
DELETE FROM _trace_sessions WHERE id IN (SELECT value FROM json_each(:parts));
DELETE FROM _marks
WHERE kind = 1 AND is_set = 1 AND session_id = '' AND trace_id IN (
  SELECT t.trace_id
  FROM json_each(:traces) AS g CROSS JOIN _traces AS t ON t.id = g.value
  WHERE NOT EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.trace = t.id)
);
DELETE FROM _traces
WHERE id IN (SELECT value FROM json_each(:traces))
  AND NOT EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.trace = _traces.id);
