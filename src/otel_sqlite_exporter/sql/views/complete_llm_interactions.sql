CREATE VIEW complete_llm_interactions AS
-- One row a call of a model (and of an agent or workflow that reports usage), with its request and its response.
-- counted is 1 where the call and its usage are its own, and 0 where they repeat what other rows report: sum tokens
-- WHERE counted. A missing number is NULL, never 0. is_aggregate is 1 for agents and workflows.
-- input_tokens include the cached and cache-creation ones, output_tokens include reasoning.
-- source is 'span', or 'event' where the call was recorded as events or log records: then start_id and finish_id are
-- theirs, and span_id is the span they were recorded in. For a span request_ and response_timestamp are its times.
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
  coalesce(i.operation, b.operation) AS operation,
  coalesce(i.provider, b.provider) AS provider,
  coalesce(b.request_model, i.request_model) AS request_model,
  coalesce(i.response_model, b.response_model) AS response_model,
  coalesce(i.response_model, b.response_model, i.request_model, b.request_model) AS model,
  iif(i.event IS NULL, (SELECT e.id FROM _events AS e WHERE e.span = i.span AND e.source = 0 AND e.phase = 'start'), coalesce(i.start_event, (SELECT e.id FROM _events AS e WHERE e.id = i.event AND e.phase = 'start'))) AS start_id,
  iif(i.event IS NULL, (SELECT e.id FROM _events AS e WHERE e.span = i.span AND e.source = 0 AND e.phase = 'finish'), (SELECT e.id FROM _events AS e WHERE e.id = i.event AND e.phase IS NOT 'start')) AS finish_id,
  strftime('%Y-%m-%dT%H:%M:%S', i.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', i.start_time_unix_nano / 1000 % 1000000) AS request_timestamp,
  strftime('%Y-%m-%dT%H:%M:%S', max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000 % 1000000) AS response_timestamp,
  i.start_time_unix_nano AS start_time_unix_nano,
  max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) AS end_time_unix_nano,
  coalesce(i.duration_ms, (max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) - i.start_time_unix_nano) / 1e6) AS duration_ms,
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
    WHEN i.event IS NOT NULL THEN CASE WHEN i.status_code = 2 OR i.error_type IS NOT NULL THEN 'error' WHEN (SELECT e.phase FROM _events AS e WHERE e.id = i.event) = 'start' THEN 'running' ELSE 'ok' END
    WHEN o.span IS NOT NULL THEN 'running'
    WHEN i.is_interrupted THEN 'interrupted'
    ELSE iif(i.status_code = 2 OR i.error_type IS NOT NULL, 'error', 'ok')
  END AS status,
  i.error_type,
  i.cost_usd,
  i.cost_status,
  coalesce(
    i.prompt,
    b.prompt,
    (
      WITH
        whole AS MATERIALIZED (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes FROM _spans AS s WHERE s.id = i.span),
        told AS MATERIALIZED (SELECT whole.attributes ->> '$."gen_ai.input.messages"' AS messages, whole.attributes ->> '$."gen_ai.prompt"' AS text FROM whole)
      SELECT CASE
        WHEN told.messages IS NOT NULL
          THEN iif(iif(json_valid(told.messages), json_type(told.messages), '') = 'array', told.messages, json_array(json_object('role', 'user', 'parts', json_array(json_object('type', 'text', 'content', told.messages)))))
        WHEN told.text IS NOT NULL
          THEN iif(iif(json_valid(told.text), json_type(told.text, '$[0].parts'), '') = 'array', told.text, json_array(json_object('role', 'user', 'parts', json_array(json_object('type', 'text', 'content', told.text)))))
      END
      FROM told
    ),
    iif(i.event IS NULL, coalesce(
      (
        SELECT e.attributes ->> '$."gen_ai.input.messages"' AS told FROM _events AS e
        WHERE e.span = i.span AND e.source = 1 AND e.name = 'gen_ai.client.inference.operation.details' AND iif(json_valid(told), json_type(told), '') = 'array'
        ORDER BY e.ordinal LIMIT 1
      ),
      (
        SELECT coalesce(
          nullif(json_group_array(json(told.message)) FILTER (WHERE told.message IS NOT NULL AND told.log IS NULL), '[]'),
          (
            SELECT l.attributes ->> '$."gen_ai.input.messages"' AS told FROM _spans AS s JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id
            WHERE s.id = i.span AND l.event_name = 'gen_ai.client.inference.operation.details' AND iif(json_valid(told), json_type(told), '') = 'array'
            ORDER BY l.time_unix_nano, l.id LIMIT 1
          ),
          nullif(json_group_array(json(told.message)) FILTER (WHERE told.message IS NOT NULL AND told.log IS NOT NULL), '[]')
        )
        FROM (
          SELECT m.message, m.log
          FROM _recorded_messages AS m
          WHERE m.is_output = 0 AND m.event IN (
            SELECT e.id FROM _events AS e WHERE e.span = i.span AND e.source = 1
            UNION ALL
            SELECT e.id FROM _spans AS s JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id JOIN _events AS e ON e.log = l.id
            WHERE s.id = i.span
          )
          ORDER BY m.ordinal, m.time_unix_nano, m.log
        ) AS told
      )
    ), NULL)
  ) AS prompt,
  coalesce(
    i.completion,
    (
      WITH
        whole AS MATERIALIZED (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes FROM _spans AS s WHERE s.id = i.span),
        told AS MATERIALIZED (SELECT whole.attributes ->> '$."gen_ai.output.messages"' AS messages, whole.attributes ->> '$."gen_ai.completion"' AS text FROM whole)
      SELECT CASE
        WHEN told.messages IS NOT NULL
          THEN iif(iif(json_valid(told.messages), json_type(told.messages), '') = 'array', told.messages, json_array(json_object('role', 'assistant', 'parts', json_array(json_object('type', 'text', 'content', told.messages)))))
        WHEN told.text IS NOT NULL
          THEN iif(iif(json_valid(told.text), json_type(told.text, '$[0].parts'), '') = 'array', told.text, json_array(json_object('role', 'assistant', 'parts', json_array(json_object('type', 'text', 'content', told.text)))))
      END
      FROM told
    ),
    iif(i.event IS NULL, coalesce(
      (
        SELECT e.attributes ->> '$."gen_ai.output.messages"' AS told FROM _events AS e
        WHERE e.span = i.span AND e.source = 1 AND e.name = 'gen_ai.client.inference.operation.details' AND iif(json_valid(told), json_type(told), '') = 'array'
        ORDER BY e.ordinal DESC LIMIT 1
      ),
      (
        SELECT coalesce(
          nullif(json_group_array(json(told.message)) FILTER (WHERE told.message IS NOT NULL AND told.log IS NULL), '[]'),
          (
            SELECT l.attributes ->> '$."gen_ai.output.messages"' AS told FROM _spans AS s JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id
            WHERE s.id = i.span AND l.event_name = 'gen_ai.client.inference.operation.details' AND iif(json_valid(told), json_type(told), '') = 'array'
            ORDER BY l.time_unix_nano DESC, l.id DESC LIMIT 1
          ),
          nullif(json_group_array(json(told.message)) FILTER (WHERE told.message IS NOT NULL AND told.log IS NOT NULL), '[]')
        )
        FROM (
          SELECT m.message, m.log
          FROM _recorded_messages AS m
          WHERE m.is_output = 1 AND m.event IN (
            SELECT e.id FROM _events AS e WHERE e.span = i.span AND e.source = 1
            UNION ALL
            SELECT e.id FROM _spans AS s JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id JOIN _events AS e ON e.log = l.id
            WHERE s.id = i.span
          )
          ORDER BY m.ordinal, m.time_unix_nano, m.log
        ) AS told
      )
    ), NULL)
  ) AS completion,
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
  i.is_aggregate,
  iif(i.event IS NULL, 'span', 'event') AS source,
  i.dialect,
  coalesce(i.request_parameters, b.request_parameters, (
    SELECT nullif(json_group_object(substr(j.key, 16), json(CASE j.type WHEN 'text' THEN json_quote(j.value) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'null' THEN 'null' ELSE j.value END)), '{}')
    FROM _spans AS s, json_each(iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id))) AS j
    WHERE s.id = i.span AND j.key GLOB 'gen_ai.request.?*' AND j.key <> 'gen_ai.request.model'
  )) AS request_parameters,
  coalesce(
    i.system_instructions,
    b.system_instructions,
    (
      WITH told AS MATERIALIZED (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.system_instructions"' AS parts FROM _spans AS s WHERE s.id = i.span)
      SELECT iif(told.parts IS NULL OR iif(json_valid(told.parts), json_type(told.parts), '') = 'array', told.parts, json_array(json_object('type', 'text', 'content', told.parts)))
      FROM told
    ),
    iif(i.event IS NULL, coalesce(
      (
        SELECT e.attributes ->> '$."gen_ai.system_instructions"' AS told FROM _events AS e
        WHERE e.span = i.span AND e.source = 1 AND e.name = 'gen_ai.client.inference.operation.details' AND iif(json_valid(told), json_type(told), '') = 'array'
        ORDER BY e.ordinal LIMIT 1
      ),
      (
        SELECT l.attributes ->> '$."gen_ai.system_instructions"' AS told FROM _spans AS s JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id
        WHERE s.id = i.span AND l.event_name = 'gen_ai.client.inference.operation.details' AND iif(json_valid(told), json_type(told), '') = 'array'
        ORDER BY l.time_unix_nano, l.id LIMIT 1
      )
    ), NULL)
  ) AS system_instructions,
  i.price_source,
  i.price_date,
  i.id
FROM _llm_interactions AS i
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _llm_interactions AS b ON b.event = i.start_event
LEFT JOIN _open_spans AS o ON o.span = i.span AND i.event IS NULL
LEFT JOIN _exporter_runs AS h ON h.id = o.run
WHERE i.is_hidden = 0;
