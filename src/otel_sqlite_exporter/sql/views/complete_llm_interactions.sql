CREATE VIEW complete_llm_interactions AS
-- One row a call of a model (and of an agent or workflow that reports usage), with its request and its response.
-- counted is 1 where the call and its usage are its own, and 0 where they repeat what other rows report: sum tokens
-- WHERE counted. A missing number is NULL, never 0. is_aggregate is 1 for agents and workflows.
-- input_tokens include the cached and cache-creation ones, output_tokens include reasoning.
-- source is 'span', or 'event' where the call was recorded as events or log records: then start_id and finish_id are
-- theirs, and span_id is the span they were recorded in. For a span request_ and response_timestamp are its times.
-- agent_name is what it names itself, else what its span, or the nearest above that, does.
-- prompt, completion and system_instructions are those of attributes, else of events of the span, else of log records that
-- name it. A failed call without a prompt shows that of the agent that made it: prompt_span_id. Where the same call was recorded twice, the row that counts shows what all of its records say.
-- error_message is what a failed call says of its failure: its span, the last exception among its events, or its record.
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
  coalesce(i.operation, b.operation) AS operation,
  coalesce(i.provider, b.provider) AS provider,
  coalesce(b.request_model, i.request_model) AS request_model,
  coalesce(i.response_model, b.response_model) AS response_model,
  coalesce(i.response_model, b.response_model, i.request_model, b.request_model) AS model,
  iif(i.event IS NULL, i.span, coalesce(i.start_event, iif(e.phase = 'start', e.id, NULL))) AS start_id,
  iif(i.event IS NULL, s.finish_record, iif(e.phase IS NOT 'start', e.id, NULL)) AS finish_id,
  strftime('%Y-%m-%dT%H:%M:%S', i.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', i.start_time_unix_nano / 1000 % 1000000) AS request_timestamp,
  strftime('%Y-%m-%dT%H:%M:%S', max(i.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(i.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) / 1000 % 1000000) AS response_timestamp,
  i.start_time_unix_nano AS start_time_unix_nano,
  max(i.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) AS end_time_unix_nano,
  coalesce(i.duration_ms, iif(i.event IS NULL OR i.start_event IS NOT NULL, (max(i.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) - i.start_time_unix_nano) / 1e6, NULL)) AS duration_ms,
  i.time_to_first_token_ms,
  i.input_tokens,
  i.output_tokens,
  i.total_tokens,
  i.cached_input_tokens,
  i.cache_creation_input_tokens,
  i.reasoning_tokens,
  i.counted,
  i.finish_reasons,
  i.response_id,
  CASE
    WHEN o.span IS NOT NULL THEN iif(h.is_gone, 'interrupted', 'running')
    WHEN i.event IS NULL AND i.is_interrupted THEN 'interrupted'
    WHEN i.has_failed THEN 'error'
    ELSE iif(e.phase = 'start', 'running', 'ok')
  END AS status,
  i.error_type,
  i.cost_usd,
  i.cost_status,
  (SELECT found.text FROM (
    SELECT c.prompt AS text FROM json_each('[0, 1, 2]') AS k CROSS JOIN _call_prompts AS c ON c.id = CASE k.value WHEN 0 THEN i.id WHEN 1 THEN i.content_of ELSE g.id END LIMIT -1
  ) AS found WHERE found.text IS NOT NULL LIMIT 1) AS prompt,
  (SELECT found.text FROM (
    SELECT c.completion AS text FROM json_each('[0, 1]') AS k CROSS JOIN _call_completions AS c ON c.id = CASE k.value WHEN 0 THEN i.id ELSE i.content_of END LIMIT -1
  ) AS found WHERE found.text IS NOT NULL LIMIT 1) AS completion,
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
  i.is_aggregate,
  iif(i.event IS NULL, 'span', 'event') AS source,
  i.dialect,
  coalesce(i.request_parameters, b.request_parameters, (
    SELECT nullif(json_group_object(substr(j.key, 16), json(CASE WHEN j.type = 'text' THEN json_quote(j.value) WHEN j.type IN ('true', 'false', 'null') THEN j.type ELSE j.value END)), '{}')
    FROM json_each(iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id))) AS j
    WHERE j.key GLOB 'gen_ai.request.?*' AND j.key <> 'gen_ai.request.model'
  )) AS request_parameters,
  (SELECT found.text FROM (
    SELECT c.system_instructions AS text FROM json_each('[0, 1, 2]') AS k CROSS JOIN _call_instructions AS c ON c.id = CASE k.value WHEN 0 THEN i.id WHEN 1 THEN i.content_of ELSE g.id END LIMIT -1
  ) AS found WHERE found.text IS NOT NULL LIMIT 1) AS system_instructions,
  i.price_source,
  i.price_date,
  i.is_unpriced,
  i.id,
  CASE WHEN i.status_code = 2 OR i.error_type IS NOT NULL THEN (SELECT m.message FROM _call_errors AS m WHERE m.id = i.id) END AS error_message,
  (SELECT z.span_id FROM _spans AS z WHERE z.id = g.span) AS prompt_span_id
FROM _llm_interactions AS i
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _llm_interactions AS b ON b.event = i.start_event
LEFT JOIN _spans AS s ON s.id = i.span
LEFT JOIN _events AS e ON e.id = i.event
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _agent_names AS n ON n.span = i.span
LEFT JOIN _llm_interactions AS g ON g.id = (SELECT a.agent FROM _enclosing_prompts AS a WHERE a.id = i.id)
LEFT JOIN _span_conversations AS v ON v.span = ifnull(i.span, (SELECT z.id FROM _spans AS z WHERE z.trace = l.trace AND z.span_id = l.span_id))
LEFT JOIN _resources AS r ON r.id = i.resource
LEFT JOIN _open_spans AS o ON o.span = i.span AND i.event IS NULL
LEFT JOIN _open_runs AS h ON h.id = o.run
WHERE i.is_hidden = 0;
