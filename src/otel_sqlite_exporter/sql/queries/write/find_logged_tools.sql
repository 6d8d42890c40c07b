-- The tool calls and results in the log records of spans, as one row. :spans is [[trace, span id], ...].
-- has_tools: whether there are rows of _tool_interactions or _tool_results from such records; records: those that may
-- hold results, as a JSON array of [span, trace, start of the span, time, event name, body type, body, attribute types,
-- attributes], in an order that does not depend on arrival.
WITH
  spans AS MATERIALIZED (
    SELECT s.id, s.trace, s.span_id, s.start_time_unix_nano
    FROM json_each(:spans) AS w
    CROSS JOIN _spans AS s ON s.trace = w.value ->> 0 AND s.span_id = w.value ->> 1
  )
SELECT
  EXISTS (
    SELECT 1
    FROM spans AS s
    CROSS JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id
    CROSS JOIN _events AS e ON e.log = l.id
    CROSS JOIN _tool_interactions AS i ON i.start_event = e.id AND i.is_request = 1
  ) OR EXISTS (
    SELECT 1
    FROM spans AS s
    CROSS JOIN _tool_results AS r ON r.span = s.id AND r.time_unix_nano <> s.start_time_unix_nano
  ) AS has_tools,
  (
    SELECT json_group_array(json_array(
      r.span, r.trace, r.start_time_unix_nano, r.time_unix_nano, r.event_name, r.body_type, r.body, r.attribute_types,
      r.attributes
    ))
    FROM (
      SELECT s.id AS span, s.start_time_unix_nano, l.*
      FROM spans AS s
      CROSS JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id
      WHERE s.id = (
        SELECT iif(max(2 * (z.resource = l.resource) + (z.kind IN (1, 4))) >= 0, z.id, NULL)
        FROM _spans AS z WHERE z.trace = l.trace AND z.span_id = l.span_id
      )
        AND l.event_name IN ('gen_ai.assistant.message', 'gen_ai.tool.message', 'gen_ai.user.message', 'gen_ai.client.inference.operation.details')
      ORDER BY s.id, l.time_unix_nano, l.event_name, l.body, l.attributes
    ) AS r
  ) AS records;
