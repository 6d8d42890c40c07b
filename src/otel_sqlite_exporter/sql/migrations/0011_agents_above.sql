-- quick
-- Calls and tools show the agent above them; a trace with a span that runs is as long as that span is; chains and other
-- steps that report usage are no agents. Each view as views/NAME.sql holds it.

DROP VIEW agent_tree;
DROP VIEW complete_llm_interactions;
DROP VIEW complete_tool_interactions;
DROP VIEW sessions;
DROP VIEW traces;

CREATE VIEW agent_tree AS
-- One row a span of an agent or workflow, with the agent that called it (parent_agent_span_id; NULL: none above it in
-- the trace) and how deep it is. Calls, tools, tokens, cost and errors are those of everything below it, agents
-- included; where its calls have no rows, the usage is what the agent reports. A session or agent inside another shows
-- as a row whose session_id is not its parent's.
-- No condition stands on a joined table: in a large file SQLite would go through all of it to make a Bloom filter.
SELECT
  t.trace_id,
  s.span_id,
  (
    WITH RECURSIVE up (trace, span, span_id, parent_span_id, depth) AS (
      SELECT q.trace, q.id, q.span_id, q.parent_span_id, 1 FROM _spans AS q WHERE q.trace = s.trace AND q.span_id = s.parent_span_id
      UNION ALL
      SELECT up.trace, q.id, q.span_id, q.parent_span_id, up.depth + 1
      FROM up CROSS JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.parent_span_id
      WHERE up.depth < 1000
    )
    SELECT up.span_id
    FROM up
    WHERE (SELECT a.operation FROM _llm_interactions AS a WHERE a.span = up.span AND ifnull(a.event, 0) = 0) IN ('invoke_agent', 'invoke_workflow')
    ORDER BY up.depth LIMIT 1
  ) AS parent_agent_span_id,
  (
    WITH RECURSIVE up (trace, span, span_id, parent_span_id, depth) AS (
      SELECT q.trace, q.id, q.span_id, q.parent_span_id, 1 FROM _spans AS q WHERE q.trace = s.trace AND q.span_id = s.parent_span_id
      UNION ALL
      SELECT up.trace, q.id, q.span_id, q.parent_span_id, up.depth + 1
      FROM up CROSS JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.parent_span_id
      WHERE up.depth < 1000
    )
    SELECT count(DISTINCT up.span)
    FROM up
    WHERE up.span <> s.id AND (SELECT a.operation FROM _llm_interactions AS a WHERE a.span = up.span AND ifnull(a.event, 0) = 0) IN ('invoke_agent', 'invoke_workflow')
  ) AS depth,
  x.session_id,
  coalesce(i.user_id, t.user_id) AS user_id,
  i.agent_name,
  r.service_name,
  s.name,
  i.operation,
  i.start_time_unix_nano,
  max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', i.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', i.start_time_unix_nano / 1000 % 1000000) AS start_time,
  (max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) - i.start_time_unix_nano) / 1e6 AS duration_ms,
  CASE WHEN o.span IS NOT NULL THEN 'running' WHEN i.is_interrupted THEN 'interrupted' ELSE iif(i.status_code = 2 OR i.error_type IS NOT NULL, 'error', 'ok') END AS status,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down CROSS JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT count(*) FILTER (WHERE c.is_aggregate = 0 AND c.counted = 1)
    FROM down CROSS JOIN _llm_interactions AS c ON c.span = down.id
  ) AS llm_calls,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down CROSS JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT count(*) FILTER (WHERE c.is_hidden = 0) FROM down CROSS JOIN _tool_interactions AS c ON c.span = down.id
  ) AS tool_calls,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down CROSS JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT sum(c.input_tokens) FILTER (WHERE c.counted = 1) FROM down CROSS JOIN _llm_interactions AS c ON c.span = down.id
  ) AS input_tokens,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down CROSS JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT sum(c.output_tokens) FILTER (WHERE c.counted = 1) FROM down CROSS JOIN _llm_interactions AS c ON c.span = down.id
  ) AS output_tokens,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down CROSS JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT sum(c.total_tokens) FILTER (WHERE c.counted = 1) FROM down CROSS JOIN _llm_interactions AS c ON c.span = down.id
  ) AS total_tokens,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down CROSS JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT sum(c.cost_usd) FILTER (WHERE c.counted = 1) FROM down CROSS JOIN _llm_interactions AS c ON c.span = down.id
  ) AS cost_usd,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down CROSS JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT count(*) FILTER (WHERE q.status_code = 2) FROM down CROSS JOIN _spans AS q ON q.id = down.id
  ) AS errors
FROM _llm_interactions AS i
JOIN _trace_sessions AS p ON p.id = i.trace_session
JOIN _spans AS s ON s.id = i.span
LEFT JOIN _traces AS t ON t.id = p.trace
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = i.resource
LEFT JOIN _open_spans AS o ON o.span = i.span
LEFT JOIN _exporter_runs AS h ON h.id = o.run
WHERE i.operation IN ('invoke_agent', 'invoke_workflow') AND i.event IS NULL;

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

CREATE VIEW sessions AS
-- One row a session: everything that shows it, whether a span (or log record) named it itself or took it from its trace.
-- source is the attribute that named it, user_id the user of its first trace that names one, service_name and
-- attributes those of the root span of its first trace. Times span all its records, of a span that runs its start.
-- Calls, tokens and cost are those of counted calls.
SELECT
  x.session_id,
  coalesce(
    (SELECT p.source FROM _trace_sessions AS p WHERE p.session = x.id AND p.source IS NOT NULL
     ORDER BY p.source_rank, p.source LIMIT 1),
    (SELECT t.session_source FROM _traces AS t WHERE t.session = x.id ORDER BY t.session_rank, t.session_source LIMIT 1)
  ) AS source,
  (SELECT t.user_id FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   WHERE p.session = x.id AND p.spans + p.logs > 0 AND t.user_id IS NOT NULL
   ORDER BY t.start_time_unix_nano, t.trace_id LIMIT 1) AS user_id,
  (SELECT r.service_name FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   JOIN _spans AS s ON s.trace = t.id AND s.span_id = t.root_span_id JOIN _resources AS r ON r.id = s.resource
   WHERE p.session = x.id AND p.spans + p.logs > 0 ORDER BY t.start_time_unix_nano, t.trace_id LIMIT 1) AS service_name,
  x.start_time_unix_nano,
  x.end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', x.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', x.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', x.end_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', x.end_time_unix_nano / 1000 % 1000000) AS end_time,
  (x.end_time_unix_nano - x.start_time_unix_nano) / 1e6 AS duration_ms,
  (SELECT count(DISTINCT p.trace) FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   WHERE p.session = x.id AND p.spans + p.logs > 0 AND t.trace_id <> '') AS traces,
  (SELECT sum(p.spans) FROM _trace_sessions AS p WHERE p.session = x.id) AS spans,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.is_aggregate = 0 AND i.counted = 1) AS llm_calls,
  (SELECT sum(p.errors) FROM _trace_sessions AS p WHERE p.session = x.id) AS errors,
  (SELECT sum(i.input_tokens) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1) AS input_tokens,
  (SELECT sum(i.output_tokens) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1) AS output_tokens,
  (SELECT sum(i.total_tokens) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1) AS total_tokens,
  (SELECT s.attribute_types FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   JOIN _spans AS s ON s.trace = t.id AND s.span_id = t.root_span_id
   WHERE p.session = x.id AND p.spans + p.logs > 0 ORDER BY t.start_time_unix_nano, t.trace_id LIMIT 1) AS attribute_types,
  (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   JOIN _spans AS s ON s.trace = t.id AND s.span_id = t.root_span_id
   WHERE p.session = x.id AND p.spans + p.logs > 0 ORDER BY t.start_time_unix_nano, t.trace_id LIMIT 1) AS attributes,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id WHERE p.session = x.id) AS running,
  (SELECT sum(p.interrupted) FROM _trace_sessions AS p WHERE p.session = x.id) AS interrupted,
  (SELECT sum(p.logs) FROM _trace_sessions AS p WHERE p.session = x.id) AS logs,
  (SELECT sum(i.cost_usd) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1) AS cost_usd,
  x.id
FROM _sessions AS x
WHERE x.end_time_unix_nano IS NOT NULL;

CREATE VIEW traces AS
-- One row a trace. name, service_name and attributes are those of its root span: the one without a parent, else the
-- one with a remote parent, else the earliest seen. Times span all its records; while a span of it runs, up to when the
-- process of that last wrote. status is running if any span runs, else interrupted if any was, else error if any failed,
-- else ok. Calls, tokens and cost are those of counted calls.
SELECT
  t.trace_id,
  x.session_id,
  t.session_source,
  t.user_id,
  r.service_name,
  s.name,
  t.root_span_id,
  CASE
    WHEN EXISTS (SELECT 1 FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id WHERE p.trace = t.id) THEN 'running'
    WHEN (SELECT sum(p.interrupted) FROM _trace_sessions AS p WHERE p.trace = t.id) > 0 THEN 'interrupted'
    WHEN (SELECT sum(p.errors) FROM _trace_sessions AS p WHERE p.trace = t.id) > 0 THEN 'error'
    ELSE 'ok'
  END AS status,
  t.start_time_unix_nano,
  max(t.end_time_unix_nano, ifnull((SELECT max(h.last_write_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _exporter_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', t.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', t.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', max(t.end_time_unix_nano, ifnull((SELECT max(h.last_write_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _exporter_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(t.end_time_unix_nano, ifnull((SELECT max(h.last_write_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _exporter_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) / 1000 % 1000000) AS end_time,
  (max(t.end_time_unix_nano, ifnull((SELECT max(h.last_write_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _exporter_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) - t.start_time_unix_nano) / 1e6 AS duration_ms,
  (SELECT sum(p.spans) FROM _trace_sessions AS p WHERE p.trace = t.id) AS spans,
  (SELECT sum(p.errors) FROM _trace_sessions AS p WHERE p.trace = t.id) AS errors,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.is_aggregate = 0 AND i.counted = 1) AS llm_calls,
  s.attribute_types,
  iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id WHERE p.trace = t.id) AS running,
  (SELECT sum(p.interrupted) FROM _trace_sessions AS p WHERE p.trace = t.id) AS interrupted,
  (SELECT sum(p.logs) FROM _trace_sessions AS p WHERE p.trace = t.id) AS logs,
  (SELECT sum(i.input_tokens) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS input_tokens,
  (SELECT sum(i.output_tokens) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS output_tokens,
  (SELECT sum(i.total_tokens) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS total_tokens,
  (SELECT sum(i.cost_usd) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS cost_usd,
  t.id
FROM _traces AS t
LEFT JOIN _sessions AS x ON x.id = t.session
LEFT JOIN _spans AS s ON s.trace = t.id AND s.span_id = t.root_span_id
LEFT JOIN _resources AS r ON r.id = s.resource
WHERE t.trace_id <> '';
