-- The calls and the tool executions that spans themselves record, as JSON arrays of [span, id]. :spans is an array of ids
-- of _spans.
SELECT
  (
    SELECT json_group_array(json_array(i.span, i.id))
    FROM json_each(:spans) AS w
    CROSS JOIN _llm_interactions AS i ON i.span = w.value AND ifnull(i.event, 0) = 0
  ) AS calls,
  (
    SELECT json_group_array(json_array(i.span, i.id))
    FROM json_each(:spans) AS w
    CROSS JOIN _tool_interactions AS i ON i.span = w.value
    WHERE i.event IS NULL AND i.is_request = 0
  ) AS tools;
