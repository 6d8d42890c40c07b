-- Hides the tool calls that a model asked for whose execution has a row of its own: of the same call id, or, where the
-- execution names none, of the same tool and not earlier. Also those that another span of the same answer tells, but
-- for the earliest: that of the innermost. :tools is [[trace, call id or null, tool name or null], ...],
-- those that came or went.
UPDATE _tool_interactions
SET is_hidden = EXISTS (
    SELECT 1
    FROM _tool_interactions AS t
    WHERE t.trace = _tool_interactions.trace AND t.tool_call_id = _tool_interactions.tool_call_id AND t.is_request = 0
  )
  OR EXISTS (
    SELECT 1
    FROM _tool_interactions AS t
    WHERE t.trace = _tool_interactions.trace AND t.tool_call_id IS NULL AND t.tool_name = _tool_interactions.tool_name
      AND t.is_request = 0 AND t.start_time_unix_nano >= _tool_interactions.start_time_unix_nano
  )
  OR EXISTS (
    SELECT 1
    FROM _tool_interactions AS t
    WHERE t.trace = _tool_interactions.trace AND t.tool_call_id = _tool_interactions.tool_call_id AND t.is_request = 1
      AND (t.start_time_unix_nano, (SELECT s.span_id FROM _spans AS s WHERE s.id = t.span)) < (
        _tool_interactions.start_time_unix_nano,
        (SELECT s.span_id FROM _spans AS s WHERE s.id = _tool_interactions.span)
      )
  )
WHERE is_request = 1 AND id IN (
  SELECT q.id
  FROM json_each(:tools) AS w
  JOIN _tool_interactions AS q ON q.trace = w.value ->> 0 AND q.tool_call_id = w.value ->> 1
  UNION
  SELECT q.id
  FROM json_each(:tools) AS w
  JOIN _tool_interactions AS q ON q.trace = w.value ->> 0
  WHERE w.value ->> 1 IS NULL AND q.tool_name = w.value ->> 2
);
