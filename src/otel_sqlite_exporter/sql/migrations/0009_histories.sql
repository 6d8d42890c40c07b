-- quick
-- What the calls of a conversation repeat is stored once: the beginning of a long array in the attributes of a span may
-- be in texts that other spans of the conversation have too.

CREATE TABLE _texts (
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL                      -- a part of encoded attributes
) STRICT;
-- NULL: attributes are whole. Else a JSON array of [first character, characters, [texts that follow them]].
ALTER TABLE _spans ADD COLUMN texts TEXT;

-- The views that show attributes of spans, each as views/NAME.sql holds it.

DROP VIEW complete_llm_interactions;
DROP VIEW complete_tool_interactions;
DROP VIEW errors;
DROP VIEW events;
DROP VIEW sessions;
DROP VIEW spans;
DROP VIEW traces;

CREATE VIEW _whole_attributes AS
-- One row a span that shares texts with others (its column texts is not NULL), with its attributes put together. Private:
-- all else that reads _spans.attributes takes them from here for such a span.
SELECT
  s.id AS span,
  (
    SELECT group_concat(pieces.text, '')
    FROM (
      SELECT substr(s.attributes, p.value ->> '$[0]', p.value ->> '$[1]') || coalesce((
        SELECT group_concat(texts.text, '')
        FROM (SELECT t.text FROM json_each(p.value, '$[2]') AS w JOIN _texts AS t ON t.id = w.value ORDER BY w.key) AS texts
      ), '') AS text
      FROM json_each(s.texts) AS p
      ORDER BY p.key
    ) AS pieces
  ) AS attributes
FROM _spans AS s
WHERE s.texts IS NOT NULL;

CREATE VIEW complete_llm_interactions AS
-- One row a call of a model (and of an agent or workflow that reports usage), with its request and its response.
-- counted is 1 where the call and its usage are its own, and 0 where they repeat what other rows report: sum tokens
-- WHERE counted. A missing number is NULL, never 0. is_aggregate is 1 for agents and workflows.
-- input_tokens include the cached and cache-creation ones, output_tokens include reasoning.
-- source is 'span', or 'event' where the call was recorded as events or log records: then start_id and finish_id are
-- theirs, and span_id is the span they were recorded in. For a span request_ and response_timestamp are its times.
-- Calls that run (finish_id is NULL) and interrupted ones are here too, with status and end as in the view spans.
SELECT
  t.trace_id,
  iif(i.event IS NULL, (SELECT s.span_id FROM _spans AS s WHERE s.id = i.span), (SELECT coalesce(s.span_id, l.span_id) FROM _events AS e LEFT JOIN _spans AS s ON s.id = e.span LEFT JOIN _logs AS l ON l.id = e.log WHERE e.id = i.event)) AS span_id,
  (SELECT s.parent_span_id FROM _spans AS s WHERE s.id = i.span) AS parent_span_id,
  x.session_id,
  coalesce(i.user_id, b.user_id, t.user_id) AS user_id,
  coalesce(i.agent_name, b.agent_name) AS agent_name,
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
        SELECT nullif(json_group_array(json(messages.message)), '[]')
        FROM (
          SELECT m.message FROM _recorded_messages AS m
          WHERE m.span = i.span AND m.log IS NULL AND m.is_output = 0
          ORDER BY m.ordinal
        ) AS messages
      ),
      (
        SELECT l.attributes ->> '$."gen_ai.input.messages"' AS told FROM _spans AS s JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id
        WHERE s.id = i.span AND l.event_name = 'gen_ai.client.inference.operation.details' AND iif(json_valid(told), json_type(told), '') = 'array'
        ORDER BY l.time_unix_nano, l.id LIMIT 1
      ),
      (
        SELECT nullif(json_group_array(json(messages.message)), '[]')
        FROM (
          SELECT m.message FROM _spans AS s JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id JOIN _recorded_messages AS m ON m.log = l.id
          WHERE s.id = i.span AND m.is_output = 0
          ORDER BY l.time_unix_nano, l.id
        ) AS messages
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
        SELECT nullif(json_group_array(json(messages.message)), '[]')
        FROM (
          SELECT m.message FROM _recorded_messages AS m
          WHERE m.span = i.span AND m.log IS NULL AND m.is_output = 1
          ORDER BY m.ordinal
        ) AS messages
      ),
      (
        SELECT l.attributes ->> '$."gen_ai.output.messages"' AS told FROM _spans AS s JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id
        WHERE s.id = i.span AND l.event_name = 'gen_ai.client.inference.operation.details' AND iif(json_valid(told), json_type(told), '') = 'array'
        ORDER BY l.time_unix_nano DESC, l.id DESC LIMIT 1
      ),
      (
        SELECT nullif(json_group_array(json(messages.message)), '[]')
        FROM (
          SELECT m.message FROM _spans AS s JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id JOIN _recorded_messages AS m ON m.log = l.id
          WHERE s.id = i.span AND m.is_output = 1
          ORDER BY l.time_unix_nano, l.id
        ) AS messages
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
-- Calls that run (finish_id is NULL) and interrupted ones are here too, with status and end as in the view spans.
SELECT
  t.trace_id,
  iif(i.event IS NULL, (SELECT s.span_id FROM _spans AS s WHERE s.id = i.span), (SELECT coalesce(s.span_id, l.span_id) FROM _events AS e LEFT JOIN _spans AS s ON s.id = e.span LEFT JOIN _logs AS l ON l.id = e.log WHERE e.id = i.event)) AS span_id,
  (SELECT s.parent_span_id FROM _spans AS s WHERE s.id = i.span) AS parent_span_id,
  x.session_id,
  coalesce(i.user_id, b.user_id, t.user_id) AS user_id,
  coalesce(i.agent_name, b.agent_name) AS agent_name,
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

CREATE VIEW errors AS
-- One row a span that failed, with what it says about why: error_type is its attribute error.type, else the type of the
-- last exception among its events.
SELECT
  s.id,
  t.trace_id,
  s.span_id,
  s.parent_span_id,
  x.session_id,
  (SELECT r.service_name FROM _resources AS r WHERE r.id = s.resource) AS service_name,
  s.name,
  s.start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', s.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', s.start_time_unix_nano / 1000 % 1000000) AS start_time,
  coalesce(
    iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."error.type"',
    (SELECT e.attributes ->> '$."exception.type"' FROM _events AS e WHERE e.span = s.id AND e.name = 'exception' ORDER BY e.ordinal DESC LIMIT 1)
  ) AS error_type,
  s.status_description,
  (SELECT e.attributes ->> '$."exception.message"' FROM _events AS e WHERE e.span = s.id AND e.name = 'exception' ORDER BY e.ordinal DESC LIMIT 1) AS exception_message
FROM _spans AS s
JOIN _traces AS t ON t.id = s.trace
JOIN _trace_sessions AS p ON p.id = s.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session
WHERE s.status_code = 2;

CREATE VIEW events AS
-- One row a record: the start and the finish of every span (source 'span'), the spans' own events (source 'event') and
-- the log records that have an event name (source 'log'; the view logs has all log records).
-- A start and its finish point at each other through related_event_id; duration_ms is the time between the two.
-- link_method says how they were found: 'span' (in the same span) or 'temporal' (by name and time, in the same trace
-- or else session). The records of a span show the span's attributes; a span that runs has no finish yet.
SELECT
  e.id,
  t.trace_id,
  coalesce(s.span_id, l.span_id) AS span_id,
  x.session_id,
  r.service_name,
  CASE e.source WHEN 0 THEN 'span' WHEN 1 THEN 'event' ELSE 'log' END AS source,
  e.ordinal,
  e.phase,
  coalesce(e.name, s.name) AS name,
  e.time_unix_nano AS start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', e.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', e.time_unix_nano / 1000 % 1000000) AS start_time,
  CASE e.phase WHEN 'start' THEN f.time_unix_nano - e.time_unix_nano ELSE e.time_unix_nano - f.time_unix_nano END / 1e6 AS duration_ms,
  coalesce(e.time_source, 'record') AS time_source,
  e.related_event AS related_event_id,
  e.link_method,
  coalesce(e.dropped_attributes, l.dropped_attributes) AS dropped_attributes,
  CASE WHEN e.attributes IS NOT NULL THEN e.attribute_types WHEN e.log IS NULL THEN s.attribute_types ELSE l.attribute_types END AS attribute_types,
  coalesce(e.attributes, iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)), l.attributes) AS attributes
FROM _events AS e
JOIN _trace_sessions AS p ON p.id = e.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _spans AS s ON s.id = e.span
LEFT JOIN _events AS f ON f.id = e.related_event
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _resources AS r ON r.id = coalesce(s.resource, l.resource);

CREATE VIEW sessions AS
-- One row a session: everything that shows it, whether a span named it itself or took it from its trace.
-- source is the attribute that named it, user_id the user of its first trace that names one, service_name and
-- attributes those of the root span of its first trace. Calls, tokens and cost are those of
-- counted calls.
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

CREATE VIEW spans AS
-- One row a span, as the application recorded it. Key: (trace_id, span_id).
-- session_id is the span's own, else its trace's. *_time_source is 'record' where the time is the span's own.
-- status is error, ok, running (end_time_source 'open': it had not ended; the end is when its process last wrote) or
-- interrupted (end_time_source 'estimated': its process is gone; the end is when that last wrote).
-- attribute_types names the values whose type JSON cannot say (bytes, double, int), by JSON Pointer.
SELECT
  t.trace_id,
  s.span_id,
  s.parent_span_id,
  s.parent_is_remote,
  x.session_id,
  r.service_name,
  s.name,
  CASE s.kind WHEN 0 THEN 'INTERNAL' WHEN 1 THEN 'SERVER' WHEN 2 THEN 'CLIENT' WHEN 3 THEN 'PRODUCER' ELSE 'CONSUMER' END AS kind,
  CASE s.end_time_source WHEN 'open' THEN 'running' WHEN 'estimated' THEN 'interrupted' ELSE iif(s.status_code = 2, 'error', 'ok') END AS status,
  CASE s.status_code WHEN 0 THEN 'UNSET' WHEN 1 THEN 'OK' ELSE 'ERROR' END AS status_code,
  s.status_description,
  s.start_time_unix_nano,
  max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', s.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', s.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000 % 1000000) AS end_time,
  (max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) - s.start_time_unix_nano) / 1e6 AS duration_ms,
  coalesce(s.start_time_source, 'record') AS start_time_source,
  coalesce(s.end_time_source, 'record') AS end_time_source,
  s.trace_flags,
  s.trace_state,
  s.dropped_attributes,
  s.dropped_events,
  s.dropped_links,
  c.name AS scope_name,
  c.version AS scope_version,
  c.schema_url AS scope_schema_url,
  c.attributes AS scope_attributes,
  c.attribute_types AS scope_attribute_types,
  r.schema_url AS resource_schema_url,
  r.attributes AS resource_attributes,
  r.attribute_types AS resource_attribute_types,
  s.attribute_types,
  iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes,
  s.id
FROM _spans AS s
JOIN _traces AS t ON t.id = s.trace
JOIN _trace_sessions AS p ON p.id = s.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = s.resource
LEFT JOIN _scopes AS c ON c.id = s.scope
LEFT JOIN _open_spans AS o ON o.span = s.id
LEFT JOIN _exporter_runs AS h ON h.id = o.run;

CREATE VIEW traces AS
-- One row a trace. name, service_name and attributes are those of its root span: the one without a parent, else the
-- one with a remote parent, else the earliest seen. Times span all its records. status is running if
-- any span runs, else interrupted if any was, else error if any failed, else ok. Calls, tokens and cost are those of counted calls.
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
  t.end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', t.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', t.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', t.end_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', t.end_time_unix_nano / 1000 % 1000000) AS end_time,
  (t.end_time_unix_nano - t.start_time_unix_nano) / 1e6 AS duration_ms,
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
