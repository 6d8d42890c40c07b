-- Notes which telling shows each execution, with the facts of all. :changes is [[id of _tool_interactions, merged_into,
-- counted, own_facts or null, tool_name, ..., waiting_ms], ...].
UPDATE _tool_interactions
SET
  merged_into = w.value ->> 1, counted = w.value ->> 2, own_facts = w.value ->> 3, tool_name = w.value ->> 4,
  tool_call_id = w.value ->> 5, tool_type = w.value ->> 6, user_id = w.value ->> 7, agent_name = w.value ->> 8,
  error_type = w.value ->> 9, status_code = w.value ->> 10, arguments = w.value ->> 11, result = w.value ->> 12,
  waiting_ms = w.value ->> 13
FROM json_each(:changes) AS w
WHERE _tool_interactions.id = w.value ->> 0;
UPDATE _tool_interactions SET is_stale = 0 WHERE is_stale = 1;
