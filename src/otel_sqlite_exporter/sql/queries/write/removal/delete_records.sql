-- Removes spans and log records with all rows that belong to them. :spans and :logs are arrays of ids of _spans and _logs;
-- :partners of ids of _events that stay, and were paired with events of these. Tools, calls, events, links, log records and
-- spans are removed in this order.
DELETE FROM _tool_results WHERE span IN (SELECT value FROM json_each(:spans));
DELETE FROM _tool_interactions
WHERE id IN (
  SELECT i.id
  FROM json_each(:spans) AS w
  CROSS JOIN _tool_interactions AS i ON i.span = w.value
  WHERE iif(i.is_request = 1 AND i.start_event IS NOT NULL, 0, i.id) > 0
  UNION
  SELECT i.id
  FROM json_each(:logs) AS w
  CROSS JOIN _events AS e ON e.log = w.value
  CROSS JOIN _tool_interactions AS i ON i.event = e.id
  UNION
  SELECT i.id
  FROM json_each(:logs) AS w
  CROSS JOIN _events AS e ON e.log = w.value
  CROSS JOIN _tool_interactions AS i ON i.start_event = e.id
  WHERE iif(i.is_request = 1, i.id, 0) > 0
);
-- Calls of tools that log records hold, which stay.
UPDATE _tool_interactions
SET span = NULL, user_id = NULL, agent_name = NULL, dialect = NULL, is_stale = 1
WHERE span IN (SELECT value FROM json_each(:spans));
DELETE FROM _llm_interactions
WHERE id IN (
  SELECT i.id FROM json_each(:spans) AS w CROSS JOIN _llm_interactions AS i ON i.span = w.value
  UNION ALL
  SELECT i.id
  FROM json_each(:logs) AS w
  CROSS JOIN _events AS e ON e.log = w.value
  CROSS JOIN _llm_interactions AS i ON i.event = e.id
);
UPDATE _events SET related_event = NULL, link_method = NULL WHERE id IN (SELECT value FROM json_each(:partners));
DELETE FROM _events
WHERE id IN (
  SELECT e.id FROM json_each(:spans) AS w CROSS JOIN _events AS e ON e.span = w.value
  UNION ALL
  SELECT e.id FROM json_each(:logs) AS w CROSS JOIN _events AS e ON e.log = w.value
);
DELETE FROM _links WHERE span IN (SELECT value FROM json_each(:spans));
DELETE FROM _open_spans WHERE span IN (SELECT value FROM json_each(:spans));
DELETE FROM _logs WHERE id IN (SELECT value FROM json_each(:logs));
DELETE FROM _spans WHERE id IN (SELECT value FROM json_each(:spans));
