-- Hides requested tool calls that have another row. First, those whose execution has a row: of the same call id or,
-- where the execution names none, of the same tool and not earlier. Then those that another span or log record requests
-- too, but for the earliest, of the innermost span; and, where a call has no id, those of a log record whose span
-- requests the same. :tools is [[trace, call id or null, tool name or null, 1 if removed], ...]: a new one makes no
-- hidden row visible.
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
      AND (
        t.start_time_unix_nano,
        coalesce(
          (SELECT s.span_id FROM _spans AS s WHERE s.id = t.span),
          (SELECT l.span_id FROM _events AS e JOIN _logs AS l ON l.id = e.log WHERE e.id = t.start_event),
          ''
        ),
        t.start_event IS NOT NULL, coalesce(t.tool_name, ''), coalesce(t.arguments, ''), t.id
      ) < (
        _tool_interactions.start_time_unix_nano,
        coalesce(
          (SELECT s.span_id FROM _spans AS s WHERE s.id = _tool_interactions.span),
          (SELECT l.span_id FROM _events AS e JOIN _logs AS l ON l.id = e.log WHERE e.id = _tool_interactions.start_event),
          ''
        ),
        _tool_interactions.start_event IS NOT NULL,
        coalesce(_tool_interactions.tool_name, ''), coalesce(_tool_interactions.arguments, ''), _tool_interactions.id
      )
  )
  OR (start_event IS NOT NULL AND tool_call_id IS NULL AND EXISTS (
    SELECT 1
    FROM _tool_interactions AS t
    WHERE t.trace = _tool_interactions.trace AND t.tool_call_id IS NULL AND t.tool_name = _tool_interactions.tool_name
      AND t.is_request = 1 AND t.start_event IS NULL AND t.span = _tool_interactions.span
  ))
WHERE is_request = 1 AND id IN (
  SELECT q.id
  FROM json_each(:tools) AS w
  JOIN _tool_interactions AS q ON q.trace = w.value ->> 0 AND q.tool_call_id = w.value ->> 1
  WHERE q.is_hidden = 0 OR w.value ->> 3
  UNION
  SELECT q.id
  FROM json_each(:tools) AS w
  JOIN _tool_interactions AS q ON q.trace = w.value ->> 0
  WHERE w.value ->> 1 IS NULL AND q.tool_name = w.value ->> 2 AND (q.is_hidden = 0 OR w.value ->> 3)
);
