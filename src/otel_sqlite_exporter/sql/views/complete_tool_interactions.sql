CREATE VIEW complete_tool_interactions AS
-- One row a tool execution, with its arguments and its result. source is 'span'; 'event' where it was recorded as
-- events or log records; 'message' where only messages of model calls contain it: such a row has the span of the
-- call that asked for it, the time of its answer, no duration, and a status once a later prompt holds the result.
-- asked_by_span_id is the span of the model call whose answer asked for the tool, where one is known: of several records
-- of that call, the one that counts.
-- agent_name is what it names itself, else what its span, or the nearest above that, does.
-- error_message is what a failed execution says of its failure: its span, the last exception among its events, or its
-- record.
-- Calls that run (finish_id is NULL) and interrupted ones are here too, with status and end as in the view spans.
SELECT
  t.trace_id,
  coalesce(s.span_id, l.span_id) AS span_id,
  s.parent_span_id,
  x.session_id,
  coalesce((SELECT max(u.conversation_id) FROM _event_conversations AS u WHERE u.event IN (i.start_event, i.event)), v.conversation_id) AS conversation_id,
  coalesce(i.user_id, b.user_id, t.user_id) AS user_id,
  coalesce(i.agent_name, b.agent_name, n.agent_name) AS agent_name,
  r.service_name,
  iif(i.event IS NULL, s.name, e.name) AS name,
  coalesce(i.tool_name, b.tool_name) AS tool_name,
  coalesce(i.tool_call_id, b.tool_call_id) AS tool_call_id,
  coalesce(i.tool_type, b.tool_type) AS tool_type,
  coalesce(
    i.arguments,
    b.arguments,
    iif(i.is_request, NULL, iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.tool.call.arguments"')
  ) AS arguments,
  coalesce(
    i.result,
    iif(i.is_request, NULL, iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.tool.call.result"')
  ) AS result,
  CASE
    WHEN i.is_request THEN NULL
    WHEN i.event IS NULL THEN i.span
    ELSE coalesce(i.start_event, iif(e.phase = 'start', e.id, NULL))
  END AS start_id,
  CASE
    WHEN i.is_request THEN NULL
    WHEN i.event IS NULL THEN s.finish_record
    ELSE iif(e.phase IS NOT 'start', e.id, NULL)
  END AS finish_id,
  i.start_time_unix_nano AS start_time_unix_nano,
  max(i.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', i.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', i.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', max(i.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(i.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) / 1000 % 1000000) AS end_time,
  iif(i.is_request, NULL, coalesce(i.duration_ms, iif(i.event IS NULL OR i.start_event IS NOT NULL, (max(i.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) - i.start_time_unix_nano) / 1e6, NULL)) - ifnull(i.waiting_ms, 0)) AS duration_ms,
  i.waiting_ms,
  CASE
    WHEN i.is_request THEN iif(i.counted, iif(i.has_failed, 'error', 'ok'), NULL)
    WHEN o.span IS NOT NULL THEN iif(h.is_gone, 'interrupted', 'running')
    WHEN i.event IS NULL AND i.is_interrupted THEN 'interrupted'
    WHEN i.has_failed THEN 'error'
    ELSE iif(e.phase = 'start', 'running', 'ok')
  END AS status,
  i.error_type,
  iif(i.event IS NULL, iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)), (
    -- Of a start and its finish: what the finish says, unless that is null.
    SELECT json_group_object(merged.key, json(merged.value))
    FROM (
      SELECT j.key, CASE WHEN j.type = 'text' THEN json_quote(j.value) WHEN j.type IN ('true', 'false', 'null') THEN j.type ELSE j.value END AS value, max(2 * (j.type <> 'null') + (q.id = i.event))
      FROM _events AS q
      LEFT JOIN _logs AS k ON k.id = q.log
      JOIN json_each(coalesce(q.attributes, k.attributes, '{}')) AS j
      WHERE q.id IN (i.start_event, i.event)
      GROUP BY j.key
    ) AS merged
  )) AS combined_attributes,
  CASE WHEN i.is_request THEN 'message' WHEN i.event IS NULL THEN 'span' ELSE 'event' END AS source,
  i.dialect,
  iif(i.is_request,
    s.span_id,
    (SELECT c.span_id
     FROM _tool_interactions AS q
     LEFT JOIN _llm_interactions AS a ON a.span = q.span AND a.event IS NULL
     LEFT JOIN _llm_interactions AS u ON u.id = a.twin
     JOIN _spans AS c ON c.id = coalesce(u.span, q.span)
     WHERE q.merged_into = i.id AND q.is_request = 1
     ORDER BY q.start_time_unix_nano, c.span_id LIMIT 1)
  ) AS asked_by_span_id,
  i.counted,
  i.id,
  CASE WHEN i.is_request = 0 AND (i.status_code = 2 OR i.error_type IS NOT NULL) THEN (SELECT m.message FROM _tool_errors AS m WHERE m.id = i.id) END AS error_message
FROM _tool_interactions AS i
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _tool_interactions AS b ON b.event = i.start_event
LEFT JOIN _spans AS s ON s.id = i.span
LEFT JOIN _events AS e ON e.id = i.event
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _agent_names AS n ON n.span = i.span
LEFT JOIN _span_conversations AS v ON v.span = ifnull(i.span, (SELECT z.id FROM _spans AS z WHERE z.trace = l.trace AND z.span_id = l.span_id))
LEFT JOIN _resources AS r ON r.id = i.resource
LEFT JOIN _open_spans AS o ON o.span = i.span AND i.event IS NULL AND i.is_request = 0
LEFT JOIN _open_runs AS h ON h.id = o.run
WHERE i.is_hidden = 0;
