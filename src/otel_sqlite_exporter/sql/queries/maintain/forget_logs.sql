-- Removes log records that will be written again, and the rows that belong to them. :ids is an array of ids of _logs.
DELETE FROM _llm_interactions
WHERE event IN (SELECT e.id FROM json_each(:ids) AS w JOIN _events AS e ON e.log = w.value);
DELETE FROM _tool_interactions
WHERE event IN (SELECT e.id FROM json_each(:ids) AS w JOIN _events AS e ON e.log = w.value);
DELETE FROM _tool_interactions
WHERE is_request = 1 AND start_event IN (SELECT e.id FROM json_each(:ids) AS w JOIN _events AS e ON e.log = w.value);
UPDATE _events
SET
  related_event = NULL,
  link_method = NULL,
  stem = coalesce(stem, substr(name, 1, length(rtrim(name, replace(name, '.', ''))) - 1))
WHERE related_event IN (SELECT e.id FROM json_each(:ids) AS w JOIN _events AS e ON e.log = w.value);
DELETE FROM _events WHERE log IN (SELECT value FROM json_each(:ids));
DELETE FROM _logs WHERE id IN (SELECT value FROM json_each(:ids));
