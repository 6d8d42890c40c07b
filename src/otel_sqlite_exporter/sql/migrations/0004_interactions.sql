-- Interactions in full: those that events and log records tell, tool calls that only messages tell, agents, and what
-- counts once. The two tables of interactions are made anew, as their span may now be missing.

DROP VIEW complete_llm_interactions;
DROP VIEW complete_tool_interactions;
DROP VIEW sessions;
DROP VIEW traces;

-- A span's children, for who called whom.
CREATE INDEX _spans_parent ON _spans (trace, parent_span_id) WHERE parent_span_id IS NOT NULL;

ALTER TABLE _llm_interactions RENAME TO _llm_interactions_old;
CREATE TABLE _llm_interactions (
  id INTEGER PRIMARY KEY,
  trace_session INTEGER NOT NULL REFERENCES _trace_sessions,
  trace INTEGER NOT NULL,                 -- that of trace_session
  span INTEGER REFERENCES _spans,         -- NULL: a log record's
  event INTEGER REFERENCES _events,       -- NULL: the span itself is the call
  start_event INTEGER REFERENCES _events, -- of the start record that this record finishes, if that has a row too
  resource INTEGER NOT NULL,
  start_time_unix_nano INTEGER NOT NULL,
  end_time_unix_nano INTEGER NOT NULL,
  status_code INTEGER NOT NULL,
  is_interrupted INTEGER NOT NULL DEFAULT 0,
  is_aggregate INTEGER NOT NULL,          -- 1: an agent or workflow, whose usage repeats its calls'
  is_hidden INTEGER NOT NULL,             -- 1: a start whose finish shows both; an agent that reports no usage
  is_repeat INTEGER NOT NULL DEFAULT 0,   -- 1: what it reports is reported by calls below it (or the call above it)
  is_duplicate INTEGER NOT NULL DEFAULT 0, -- 1: another row is of the same call
  counted INTEGER NOT NULL AS (is_hidden = 0 AND is_repeat = 0 AND is_duplicate = 0),
  has_usage INTEGER NOT NULL AS (input_tokens IS NOT NULL OR output_tokens IS NOT NULL OR total_tokens IS NOT NULL),
  operation TEXT,
  provider TEXT,
  request_model TEXT,
  response_model TEXT,
  response_id TEXT,
  user_id TEXT,
  agent_name TEXT,
  finish_reasons TEXT,                    -- JSON array
  error_type TEXT,
  time_to_first_token_ms REAL,
  input_tokens INTEGER,                   -- cached and cache-creation ones included
  output_tokens INTEGER,                  -- reasoning included
  total_tokens INTEGER,
  cached_input_tokens INTEGER,
  cache_creation_input_tokens INTEGER,
  reasoning_tokens INTEGER,
  cost_usd REAL,
  cost_status TEXT,                       -- reported, exact, partial, unpriced; NULL: nobody asked yet
  price_source TEXT,
  price_date TEXT,
  dialect TEXT,                           -- by which names it was recognised
  request_parameters TEXT,                -- JSON object; NULL here and below: read from the attributes
  system_instructions TEXT,               -- JSON array of parts
  prompt TEXT,                            -- JSON array of messages
  completion TEXT,
  duration_ms REAL                        -- what a record reports of its own
) STRICT;
INSERT INTO _llm_interactions (
  id, trace_session, trace, span, resource, start_time_unix_nano, end_time_unix_nano, status_code, is_interrupted,
  is_aggregate, is_hidden, is_repeat, operation, provider, request_model, response_model, response_id, user_id,
  agent_name, finish_reasons, error_type, time_to_first_token_ms, input_tokens, output_tokens, total_tokens,
  cached_input_tokens, cache_creation_input_tokens, reasoning_tokens, cost_usd, cost_status, dialect
)
SELECT
  i.id, i.trace_session, s.trace, i.span, s.resource, s.start_time_unix_nano, s.end_time_unix_nano, s.status_code,
  s.end_time_source IS 'estimated', i.is_aggregate, 0, i.counted = 0, i.operation, i.provider, i.request_model,
  i.response_model, i.response_id, i.user_id, i.agent_name, i.finish_reasons, i.error_type, i.time_to_first_token_ms,
  i.input_tokens, i.output_tokens, i.total_tokens, i.cached_input_tokens, i.cache_creation_input_tokens,
  i.reasoning_tokens, i.cost_usd, i.cost_status, 'gen_ai'
FROM _llm_interactions_old AS i
JOIN _spans AS s ON s.id = i.span;
DROP TABLE _llm_interactions_old;
CREATE INDEX _llm_interactions_trace_session ON _llm_interactions (trace_session);
CREATE INDEX _llm_interactions_start_time ON _llm_interactions (start_time_unix_nano);
CREATE UNIQUE INDEX _llm_interactions_span ON _llm_interactions (span, ifnull(event, 0));
CREATE UNIQUE INDEX _llm_interactions_event ON _llm_interactions (event) WHERE event IS NOT NULL;
CREATE INDEX _llm_interactions_start_event ON _llm_interactions (start_event) WHERE start_event IS NOT NULL;
CREATE INDEX _llm_interactions_response_id ON _llm_interactions (response_id, start_time_unix_nano)
  WHERE response_id IS NOT NULL;

ALTER TABLE _tool_interactions RENAME TO _tool_interactions_old;
CREATE TABLE _tool_interactions (
  id INTEGER PRIMARY KEY,
  trace_session INTEGER NOT NULL REFERENCES _trace_sessions,
  trace INTEGER NOT NULL,                 -- that of trace_session
  span INTEGER REFERENCES _spans,         -- with is_request: of the model call that asked
  event INTEGER REFERENCES _events,
  start_event INTEGER REFERENCES _events,
  resource INTEGER NOT NULL,
  start_time_unix_nano INTEGER NOT NULL,
  end_time_unix_nano INTEGER NOT NULL,
  status_code INTEGER NOT NULL,
  is_interrupted INTEGER NOT NULL DEFAULT 0,
  is_request INTEGER NOT NULL DEFAULT 0,  -- 1: a model's answer asks for it
  is_hidden INTEGER NOT NULL DEFAULT 0,   -- 1: a start whose finish shows both; a request whose execution has a row
  tool_name TEXT,
  tool_call_id TEXT,
  tool_type TEXT,
  user_id TEXT,
  agent_name TEXT,
  error_type TEXT,
  dialect TEXT,
  arguments TEXT,                         -- JSON, or text; NULL here and below: read from the attributes
  result TEXT,
  duration_ms REAL
) STRICT;
INSERT INTO _tool_interactions (
  id, trace_session, trace, span, resource, start_time_unix_nano, end_time_unix_nano, status_code, is_interrupted,
  tool_name, tool_call_id, tool_type, user_id, agent_name, error_type, dialect
)
SELECT
  i.id, i.trace_session, s.trace, i.span, s.resource, s.start_time_unix_nano, s.end_time_unix_nano, s.status_code,
  s.end_time_source IS 'estimated', i.tool_name, i.tool_call_id, i.tool_type, i.user_id, i.agent_name, i.error_type,
  'gen_ai'
FROM _tool_interactions_old AS i
JOIN _spans AS s ON s.id = i.span;
DROP TABLE _tool_interactions_old;
CREATE INDEX _tool_interactions_trace_session ON _tool_interactions (trace_session);
CREATE INDEX _tool_interactions_start_time ON _tool_interactions (start_time_unix_nano);
CREATE INDEX _tool_interactions_span ON _tool_interactions (span);
CREATE UNIQUE INDEX _tool_interactions_event ON _tool_interactions (event) WHERE event IS NOT NULL;
CREATE INDEX _tool_interactions_start_event ON _tool_interactions (start_event) WHERE start_event IS NOT NULL;
CREATE INDEX _tool_interactions_call ON _tool_interactions (trace, tool_call_id, tool_name);

-- What tools gave back, as the prompts of later model calls tell it.
CREATE TABLE _tool_results (
  id INTEGER PRIMARY KEY,
  span INTEGER NOT NULL REFERENCES _spans,
  trace INTEGER NOT NULL,
  tool_call_id TEXT NOT NULL,
  time_unix_nano INTEGER NOT NULL,
  result TEXT
) STRICT;
CREATE INDEX _tool_results_call ON _tool_results (trace, tool_call_id);
CREATE INDEX _tool_results_span ON _tool_results (span);

-- A start record and its finish are one call, shown by the row of the finish, as long as the two are linked.
CREATE TRIGGER _llm_interactions_added AFTER INSERT ON _llm_interactions WHEN new.event IS NOT NULL
BEGIN
  UPDATE _llm_interactions
  SET
    start_event = (
      SELECT b.event FROM _events AS f JOIN _llm_interactions AS b ON b.event = f.related_event
      WHERE f.id = _llm_interactions.event AND f.phase = 'finish'
    ),
    start_time_unix_nano = coalesce(
      (
        SELECT b.end_time_unix_nano FROM _events AS f JOIN _llm_interactions AS b ON b.event = f.related_event
        WHERE f.id = _llm_interactions.event AND f.phase = 'finish'
      ),
      max(0, end_time_unix_nano - CAST(ifnull(duration_ms, 0) * 1e6 AS INTEGER))
    )
  WHERE event IN (new.event, (SELECT e.related_event FROM _events AS e WHERE e.id = new.event));
  UPDATE _llm_interactions
  SET is_hidden = EXISTS (SELECT 1 FROM _llm_interactions AS f WHERE f.start_event = _llm_interactions.event)
  WHERE event IN (new.event, (SELECT e.related_event FROM _events AS e WHERE e.id = new.event));
END;
CREATE TRIGGER _llm_interactions_removed AFTER DELETE ON _llm_interactions WHEN old.event IS NOT NULL
BEGIN
  UPDATE _llm_interactions
  SET
    start_event = NULL,
    start_time_unix_nano = max(0, end_time_unix_nano - CAST(ifnull(duration_ms, 0) * 1e6 AS INTEGER))
  WHERE start_event = old.event;
  UPDATE _llm_interactions SET is_hidden = 0 WHERE event = old.start_event;
END;
CREATE TRIGGER _llm_interactions_relinked AFTER UPDATE OF related_event ON _events
WHEN new.phase IS NOT NULL AND new.source > 0 AND EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.event = new.id)
BEGIN
  UPDATE _llm_interactions
  SET
    start_event = (
      SELECT b.event FROM _events AS f JOIN _llm_interactions AS b ON b.event = f.related_event
      WHERE f.id = _llm_interactions.event AND f.phase = 'finish'
    ),
    start_time_unix_nano = coalesce(
      (
        SELECT b.end_time_unix_nano FROM _events AS f JOIN _llm_interactions AS b ON b.event = f.related_event
        WHERE f.id = _llm_interactions.event AND f.phase = 'finish'
      ),
      max(0, end_time_unix_nano - CAST(ifnull(duration_ms, 0) * 1e6 AS INTEGER))
    )
  WHERE event IN (new.id, new.related_event, old.related_event);
  UPDATE _llm_interactions
  SET is_hidden = EXISTS (SELECT 1 FROM _llm_interactions AS f WHERE f.start_event = _llm_interactions.event)
  WHERE event IN (new.id, new.related_event, old.related_event);
END;
CREATE TRIGGER _tool_interactions_added AFTER INSERT ON _tool_interactions WHEN new.event IS NOT NULL
BEGIN
  UPDATE _tool_interactions
  SET
    start_event = (
      SELECT b.event FROM _events AS f JOIN _tool_interactions AS b ON b.event = f.related_event
      WHERE f.id = _tool_interactions.event AND f.phase = 'finish'
    ),
    start_time_unix_nano = coalesce(
      (
        SELECT b.end_time_unix_nano FROM _events AS f JOIN _tool_interactions AS b ON b.event = f.related_event
        WHERE f.id = _tool_interactions.event AND f.phase = 'finish'
      ),
      max(0, end_time_unix_nano - CAST(ifnull(duration_ms, 0) * 1e6 AS INTEGER))
    )
  WHERE event IN (new.event, (SELECT e.related_event FROM _events AS e WHERE e.id = new.event));
  UPDATE _tool_interactions
  SET is_hidden = EXISTS (SELECT 1 FROM _tool_interactions AS f WHERE f.start_event = _tool_interactions.event)
  WHERE event IN (new.event, (SELECT e.related_event FROM _events AS e WHERE e.id = new.event));
END;
CREATE TRIGGER _tool_interactions_removed AFTER DELETE ON _tool_interactions WHEN old.event IS NOT NULL
BEGIN
  UPDATE _tool_interactions
  SET
    start_event = NULL,
    start_time_unix_nano = max(0, end_time_unix_nano - CAST(ifnull(duration_ms, 0) * 1e6 AS INTEGER))
  WHERE start_event = old.event;
  UPDATE _tool_interactions SET is_hidden = 0 WHERE event = old.start_event;
END;
CREATE TRIGGER _tool_interactions_relinked AFTER UPDATE OF related_event ON _events
WHEN new.phase IS NOT NULL AND new.source > 0 AND EXISTS (SELECT 1 FROM _tool_interactions AS i WHERE i.event = new.id)
BEGIN
  UPDATE _tool_interactions
  SET
    start_event = (
      SELECT b.event FROM _events AS f JOIN _tool_interactions AS b ON b.event = f.related_event
      WHERE f.id = _tool_interactions.event AND f.phase = 'finish'
    ),
    start_time_unix_nano = coalesce(
      (
        SELECT b.end_time_unix_nano FROM _events AS f JOIN _tool_interactions AS b ON b.event = f.related_event
        WHERE f.id = _tool_interactions.event AND f.phase = 'finish'
      ),
      max(0, end_time_unix_nano - CAST(ifnull(duration_ms, 0) * 1e6 AS INTEGER))
    )
  WHERE event IN (new.id, new.related_event, old.related_event);
  UPDATE _tool_interactions
  SET is_hidden = EXISTS (SELECT 1 FROM _tool_interactions AS f WHERE f.start_event = _tool_interactions.event)
  WHERE event IN (new.id, new.related_event, old.related_event);
END;

-- The public views that are new or changed, each as views/NAME.sql holds it.

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
    (SELECT coalesce(s.attributes ->> '$."gen_ai.input.messages"', s.attributes ->> '$."gen_ai.prompt"') FROM _spans AS s WHERE s.id = i.span)
  ) AS prompt,
  coalesce(
    i.completion,
    (SELECT coalesce(s.attributes ->> '$."gen_ai.output.messages"', s.attributes ->> '$."gen_ai.completion"') FROM _spans AS s WHERE s.id = i.span)
  ) AS completion,
  iif(i.event IS NULL, (SELECT s.attributes FROM _spans AS s WHERE s.id = i.span), (
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
    FROM _spans AS s, json_each(s.attributes) AS j
    WHERE s.id = i.span AND j.key GLOB 'gen_ai.request.?*' AND j.key <> 'gen_ai.request.model'
  )) AS request_parameters,
  coalesce(
    i.system_instructions,
    b.system_instructions,
    (SELECT s.attributes ->> '$."gen_ai.system_instructions"' FROM _spans AS s WHERE s.id = i.span)
  ) AS system_instructions,
  i.price_source,
  i.price_date
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
    iif(i.is_request, NULL, (SELECT s.attributes ->> '$."gen_ai.tool.call.arguments"' FROM _spans AS s WHERE s.id = i.span))
  ) AS arguments,
  coalesce(
    i.result,
    iif(i.is_request,
      (SELECT r.result FROM _tool_results AS r WHERE r.trace = i.trace AND r.tool_call_id = i.tool_call_id ORDER BY r.time_unix_nano, r.result LIMIT 1),
      (SELECT s.attributes ->> '$."gen_ai.tool.call.result"' FROM _spans AS s WHERE s.id = i.span)
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
  iif(i.event IS NULL, (SELECT s.attributes FROM _spans AS s WHERE s.id = i.span), (
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
  ) AS asked_by_span_id
FROM _tool_interactions AS i
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _tool_interactions AS b ON b.event = i.start_event
LEFT JOIN _open_spans AS o ON o.span = i.span AND i.event IS NULL AND i.is_request = 0
LEFT JOIN _exporter_runs AS h ON h.id = o.run
WHERE i.is_hidden = 0;

CREATE VIEW agent_tree AS
-- One row a span of an agent or workflow, with the agent that called it (parent_agent_span_id; NULL: none above it in
-- the trace) and how deep it is. Calls, tools, tokens, cost and errors are those of everything below it, agents
-- included; where its calls have no rows, the usage is what the agent reports. A session or agent inside another shows
-- as a row whose session_id is not its parent's.
SELECT
  t.trace_id,
  s.span_id,
  (
    WITH RECURSIVE up (trace, span_id, depth) AS (
      SELECT s.trace, s.parent_span_id, 1
      UNION ALL
      SELECT up.trace, q.parent_span_id, up.depth + 1
      FROM up JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.span_id
      WHERE up.depth < 1000
    )
    SELECT up.span_id
    FROM up
    JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.span_id
    JOIN _llm_interactions AS a ON a.span = q.id AND a.event IS NULL AND a.is_aggregate = 1
    ORDER BY up.depth LIMIT 1
  ) AS parent_agent_span_id,
  (
    WITH RECURSIVE up (trace, span_id, depth) AS (
      SELECT s.trace, s.parent_span_id, 1
      UNION ALL
      SELECT up.trace, q.parent_span_id, up.depth + 1
      FROM up JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.span_id
      WHERE up.depth < 1000
    )
    SELECT count(DISTINCT a.id)
    FROM up
    JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.span_id
    JOIN _llm_interactions AS a ON a.span = q.id AND a.event IS NULL AND a.is_aggregate = 1 AND a.id <> i.id
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
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT count(*)
    FROM down JOIN _llm_interactions AS c ON c.span = down.id
    WHERE c.is_aggregate = 0 AND c.counted = 1
  ) AS llm_calls,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT count(*) FROM down JOIN _tool_interactions AS c ON c.span = down.id WHERE c.is_hidden = 0
  ) AS tool_calls,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT sum(c.input_tokens) FROM down JOIN _llm_interactions AS c ON c.span = down.id WHERE c.counted = 1
  ) AS input_tokens,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT sum(c.output_tokens) FROM down JOIN _llm_interactions AS c ON c.span = down.id WHERE c.counted = 1
  ) AS output_tokens,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT sum(c.total_tokens) FROM down JOIN _llm_interactions AS c ON c.span = down.id WHERE c.counted = 1
  ) AS total_tokens,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT sum(c.cost_usd) FROM down JOIN _llm_interactions AS c ON c.span = down.id WHERE c.counted = 1
  ) AS cost_usd,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT count(*) FROM down JOIN _spans AS q ON q.id = down.id WHERE q.status_code = 2
  ) AS errors
FROM _llm_interactions AS i
JOIN _trace_sessions AS p ON p.id = i.trace_session
JOIN _spans AS s ON s.id = i.span
LEFT JOIN _traces AS t ON t.id = p.trace
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = i.resource
LEFT JOIN _open_spans AS o ON o.span = i.span
LEFT JOIN _exporter_runs AS h ON h.id = o.run
WHERE i.is_aggregate = 1 AND i.event IS NULL;

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
  (SELECT s.attributes FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   JOIN _spans AS s ON s.trace = t.id AND s.span_id = t.root_span_id
   WHERE p.session = x.id AND p.spans + p.logs > 0 ORDER BY t.start_time_unix_nano, t.trace_id LIMIT 1) AS attributes,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id WHERE p.session = x.id) AS running,
  (SELECT sum(p.interrupted) FROM _trace_sessions AS p WHERE p.session = x.id) AS interrupted,
  (SELECT sum(p.logs) FROM _trace_sessions AS p WHERE p.session = x.id) AS logs,
  (SELECT sum(i.cost_usd) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1) AS cost_usd
FROM _sessions AS x
WHERE x.end_time_unix_nano IS NOT NULL;

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
  s.attributes,
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
   WHERE p.trace = t.id AND i.counted = 1) AS cost_usd
FROM _traces AS t
LEFT JOIN _sessions AS x ON x.id = t.session
LEFT JOIN _spans AS s ON s.trace = t.id AND s.span_id = t.root_span_id
LEFT JOIN _resources AS r ON r.id = s.resource
WHERE t.trace_id <> '';
