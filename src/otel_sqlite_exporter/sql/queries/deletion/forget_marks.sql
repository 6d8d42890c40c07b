-- Removes the pins and notes of sessions and traces that the run :deletion has removed: those of its names, and :sessions
-- and :traces.
DELETE FROM _marks
WHERE session_id <> '' AND (
  session_id IN (SELECT n.name FROM _deletion_names AS n WHERE n.deletion = :deletion AND n.kind = 1)
  OR session_id IN (SELECT o.value FROM json_each(:sessions) AS o)
);
DELETE FROM _marks
WHERE trace_id <> '' AND (
  trace_id IN (SELECT n.name FROM _deletion_names AS n WHERE n.deletion = :deletion AND n.kind = 2)
  OR trace_id IN (SELECT o.value FROM json_each(:traces) AS o)
);
