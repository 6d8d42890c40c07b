-- Removes the rows that belong to spans which a later version replaces, except for tool calls from log records. :ids is
-- an array of ids of _spans.
DELETE FROM _llm_interactions WHERE span IN (SELECT value FROM json_each(:ids));
DELETE FROM _tool_interactions
WHERE span IN (SELECT value FROM json_each(:ids)) AND (is_request = 0 OR start_event IS NULL);
DELETE FROM _tool_results WHERE span IN (SELECT value FROM json_each(:ids));
UPDATE _events
SET related_event = NULL, link_method = NULL
WHERE related_event IN (
  SELECT e.id FROM json_each(:ids) AS w JOIN _events AS e ON e.span = w.value AND e.source = 1
);
DELETE FROM _events WHERE id IN (SELECT e.id FROM json_each(:ids) AS w JOIN _events AS e ON e.span = w.value AND e.source = 1);
DELETE FROM _links WHERE span IN (SELECT value FROM json_each(:ids));
