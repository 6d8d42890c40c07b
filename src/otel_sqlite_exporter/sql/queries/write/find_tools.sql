-- The tool calls of some spans and log records, as a JSON array of [trace, call id, tool name]. :spans is an array of
-- ids of _spans, :logs of ids of _logs.
SELECT json_group_array(json_array(trace, tool_call_id, tool_name))
FROM (
  SELECT i.trace, i.tool_call_id, i.tool_name
  FROM json_each(:spans) AS w
  CROSS JOIN _tool_interactions AS i ON i.span = w.value
  UNION
  SELECT i.trace, i.tool_call_id, i.tool_name
  FROM json_each(:logs) AS w
  CROSS JOIN _events AS e ON e.log = w.value
  CROSS JOIN _tool_interactions AS i ON i.event = e.id OR (i.start_event = e.id AND i.is_request = 1)
);
