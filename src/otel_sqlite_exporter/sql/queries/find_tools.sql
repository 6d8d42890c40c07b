-- The tool calls of some spans, as a JSON array of [trace, call id, tool name]. :ids is an array of ids of _spans.
SELECT json_group_array(json_array(i.trace, i.tool_call_id, i.tool_name))
FROM json_each(:ids) AS w
JOIN _tool_interactions AS i ON i.span = w.value;
