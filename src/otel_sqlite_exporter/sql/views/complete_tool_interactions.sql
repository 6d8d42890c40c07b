CREATE VIEW complete_tool_interactions AS
-- One row a tool execution, with its arguments and its result. source is 'span'; 'event' where it was recorded as
-- events or log records; 'message' where only the messages of model calls tell of it: such a row has the span of the
-- call that asked for it, the time of its answer, no duration, and the status ok once a later prompt holds the result.
-- asked_by_span_id is the span of the model call whose answer asked for the tool, where one is known.
-- agent_name is what it names itself, else what its span, or the nearest above that, does.
-- Calls that run (finish_id is NULL) and interrupted ones are here too, with status and end as in the view spans.
SELECT
  t.trace_id,
  iif(i.event IS NULL, (SELECT s.span_id FROM _spans AS s WHERE s.id = i.span), (SELECT coalesce(s.span_id, l.span_id) FROM _events AS e LEFT JOIN _spans AS s ON s.id = e.span LEFT JOIN _logs AS l ON l.id = e.log WHERE e.id = i.event)) AS span_id,
  (SELECT s.parent_span_id FROM _spans AS s WHERE s.id = i.span) AS parent_span_id,
  x.session_id,
  coalesce(i.user_id, b.user_id, t.user_id) AS user_id,
  coalesce(i.agent_name, b.agent_name, (
    WITH RECURSIVE up (trace, span, parent_span_id, depth) AS (
      SELECT s.trace, s.id, s.parent_span_id, 0 FROM _spans AS s WHERE s.id = i.span
      UNION ALL
      SELECT up.trace, q.id, q.parent_span_id, up.depth + 1
      FROM up CROSS JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.parent_span_id
      WHERE up.depth < 1000
    )
    SELECT (SELECT a.agent_name FROM _llm_interactions AS a WHERE a.span = up.span AND ifnull(a.event, 0) = 0) AS named
    FROM up
    WHERE named IS NOT NULL
    LIMIT 1
  )) AS agent_name,
  (SELECT r.service_name FROM _resources AS r WHERE r.id = i.resource) AS service_name,
  iif(i.event IS NULL, (SELECT s.name FROM _spans AS s WHERE s.id = i.span), (SELECT e.name FROM _events AS e WHERE e.id = i.event)) AS name,
  coalesce(i.tool_name, b.tool_name) AS tool_name,
  coalesce(i.tool_call_id, b.tool_call_id) AS tool_call_id,
  coalesce(i.tool_type, b.tool_type) AS tool_type,
  coalesce(
    i.arguments,
    b.arguments,
    iif(i.is_request, NULL, coalesce(
      (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.tool.call.arguments"' FROM _spans AS s WHERE s.id = i.span),
      iif(i.event IS NULL, (
        SELECT coalesce(iif(json_valid(e.attributes ->> '$."gen_ai.input.messages"'), e.attributes ->> '$."gen_ai.input.messages"' ->> '$[0].parts[0].arguments', NULL), e.attributes ->> '$.content') AS told FROM _events AS e
        WHERE e.span = i.span AND e.source = 1 AND e.name IN ('gen_ai.client.inference.operation.details', 'gen_ai.tool.message') AND told IS NOT NULL
        ORDER BY e.ordinal LIMIT 1
      ), NULL)
    ))
  ) AS arguments,
  coalesce(
    i.result,
    iif(i.is_request,
      (SELECT r.result FROM _tool_results AS r WHERE r.trace = i.trace AND r.tool_call_id = i.tool_call_id ORDER BY r.time_unix_nano, r.result LIMIT 1),
      coalesce(
        (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.tool.call.result"' FROM _spans AS s WHERE s.id = i.span),
        iif(i.event IS NULL, (
          SELECT coalesce(iif(json_valid(e.attributes ->> '$."gen_ai.output.messages"'), e.attributes ->> '$."gen_ai.output.messages"' ->> '$[0].parts[0].response', NULL), e.attributes ->> '$.message') AS told FROM _events AS e
          WHERE e.span = i.span AND e.source = 1 AND e.name IN ('gen_ai.client.inference.operation.details', 'gen_ai.choice') AND told IS NOT NULL
          ORDER BY e.ordinal DESC LIMIT 1
        ), NULL)
      )
    )
  ) AS result,
  CASE
    WHEN i.is_request THEN NULL
    WHEN i.event IS NULL THEN (SELECT e.id FROM _events AS e WHERE e.span = i.span AND e.source = 0 AND e.phase = 'start')
    ELSE coalesce(i.start_event, (SELECT e.id FROM _events AS e WHERE e.id = i.event AND e.phase = 'start'))
  END AS start_id,
  CASE
    WHEN i.is_request THEN NULL
    WHEN i.event IS NULL THEN (SELECT e.id FROM _events AS e WHERE e.span = i.span AND e.source = 0 AND e.phase = 'finish')
    ELSE (SELECT e.id FROM _events AS e WHERE e.id = i.event AND e.phase IS NOT 'start')
  END AS finish_id,
  i.start_time_unix_nano AS start_time_unix_nano,
  max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', i.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', i.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000 % 1000000) AS end_time,
  iif(i.is_request, NULL, coalesce(i.duration_ms, (max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) - i.start_time_unix_nano) / 1e6)) AS duration_ms,
  CASE
    WHEN i.is_request THEN iif(EXISTS (SELECT 1 FROM _tool_results AS r WHERE r.trace = i.trace AND r.tool_call_id = i.tool_call_id), 'ok', NULL)
    WHEN i.event IS NOT NULL THEN CASE WHEN i.status_code = 2 OR i.error_type IS NOT NULL THEN 'error' WHEN (SELECT e.phase FROM _events AS e WHERE e.id = i.event) = 'start' THEN 'running' ELSE 'ok' END
    WHEN o.span IS NOT NULL THEN 'running'
    WHEN i.is_interrupted THEN 'interrupted'
    ELSE iif(i.status_code = 2 OR i.error_type IS NOT NULL, 'error', 'ok')
  END AS status,
  i.error_type,
  iif(i.event IS NULL, (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) FROM _spans AS s WHERE s.id = i.span), (
    SELECT json_group_object(merged.key, json(CASE merged.type WHEN 'text' THEN json_quote(merged.value) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'null' THEN 'null' ELSE merged.value END))
    FROM (
      SELECT j.key, j.type, j.value
      FROM _events AS e LEFT JOIN _logs AS l ON l.id = e.log, json_each(coalesce(e.attributes, l.attributes, '{}')) AS j
      WHERE e.id = i.start_event AND j.key NOT IN (
        SELECT k.key
        FROM _events AS f LEFT JOIN _logs AS m ON m.id = f.log, json_each(coalesce(f.attributes, m.attributes, '{}')) AS k
        WHERE f.id = i.event AND k.type <> 'null'
      )
      UNION ALL
      SELECT j.key, j.type, j.value
      FROM _events AS e LEFT JOIN _logs AS l ON l.id = e.log, json_each(coalesce(e.attributes, l.attributes, '{}')) AS j
      WHERE e.id = i.event AND (j.type <> 'null' OR j.key NOT IN (
        SELECT k.key
        FROM _events AS f LEFT JOIN _logs AS m ON m.id = f.log, json_each(coalesce(f.attributes, m.attributes, '{}')) AS k
        WHERE f.id = i.start_event
      ))
    ) AS merged
  )) AS combined_attributes,
  CASE WHEN i.is_request THEN 'message' WHEN i.event IS NULL THEN 'span' ELSE 'event' END AS source,
  i.dialect,
  iif(i.is_request,
    (SELECT s.span_id FROM _spans AS s WHERE s.id = i.span),
    coalesce(
      (SELECT s.span_id FROM _tool_interactions AS q JOIN _spans AS s ON s.id = q.span
       WHERE q.trace = i.trace AND q.tool_call_id = coalesce(i.tool_call_id, b.tool_call_id) AND q.is_request = 1
       ORDER BY q.start_time_unix_nano, s.span_id LIMIT 1),
      (SELECT s.span_id FROM _tool_interactions AS q JOIN _spans AS s ON s.id = q.span
       WHERE i.tool_call_id IS NULL AND q.trace = i.trace AND q.tool_name = i.tool_name AND q.is_request = 1
         AND q.start_time_unix_nano <= i.start_time_unix_nano
       ORDER BY q.start_time_unix_nano DESC, s.span_id LIMIT 1)
    )
  ) AS asked_by_span_id,
  i.id
FROM _tool_interactions AS i
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _tool_interactions AS b ON b.event = i.start_event
LEFT JOIN _open_spans AS o ON o.span = i.span AND i.event IS NULL AND i.is_request = 0
LEFT JOIN _exporter_runs AS h ON h.id = o.run
WHERE i.is_hidden = 0;
