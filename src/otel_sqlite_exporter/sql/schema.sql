-- The schema after all migrations, written by `make schema`. To read: what counts is in migrations/.

PRAGMA application_id = 0x6f74656c;
PRAGMA user_version = 12;

CREATE TABLE _agent_sessions (
  id INTEGER PRIMARY KEY,
  agent INTEGER NOT NULL REFERENCES _agents,
  session INTEGER NOT NULL REFERENCES _sessions,
  calls INTEGER NOT NULL,
  UNIQUE (agent, session)
) STRICT;

CREATE TABLE _agents (
  id INTEGER PRIMARY KEY,
  service_name TEXT NOT NULL,
  agent_name TEXT NOT NULL,               -- empty: its calls name none
  resource_agent_name TEXT,               -- that of the resource
  agent_id TEXT,
  version TEXT,
  first_seen_unix_nano INTEGER NOT NULL,
  last_seen_unix_nano INTEGER NOT NULL,
  rows INTEGER NOT NULL,                  -- of _llm_interactions; 0: there were some, and versions of spans took them away
  calls INTEGER NOT NULL,                 -- counted ones; an agent that reports the usage of its calls is none
  reports INTEGER NOT NULL,               -- counted rows with usage
  input_tokens INTEGER NOT NULL,          -- of one row at most 2^40 count, so that no sum is too large
  output_tokens INTEGER NOT NULL,
  total_tokens INTEGER NOT NULL,
  UNIQUE (service_name, agent_name)
) STRICT;
CREATE INDEX _agents_last_seen ON _agents (last_seen_unix_nano);

CREATE TABLE _events (
  id INTEGER PRIMARY KEY,
  trace_session INTEGER REFERENCES _trace_sessions,
  span INTEGER REFERENCES _spans,
  source INTEGER NOT NULL,
  ordinal INTEGER,                        -- place among the span's events
  phase TEXT,                             -- start, finish or NULL
  name TEXT,                              -- NULL: the span's name
  time_unix_nano INTEGER NOT NULL,
  time_source TEXT,
  related_event INTEGER REFERENCES _events DEFERRABLE INITIALLY DEFERRED,
  link_method TEXT,                       -- span or temporal
  stem TEXT,                              -- the name without its phase; only on records that may pair temporally
  dropped_attributes INTEGER,
  attribute_types TEXT,
  attributes TEXT                         -- NULL: the span's attributes
, log INTEGER REFERENCES _logs) STRICT;
CREATE INDEX _events_framework ON _events (time_unix_nano) WHERE name >= 'framework.' AND name < 'framework/';
CREATE INDEX _events_log ON _events (log) WHERE log IS NOT NULL;
CREATE INDEX _events_related_event ON _events (related_event);
CREATE INDEX _events_security ON _events (time_unix_nano) WHERE name >= 'security.' AND name < 'security/';
CREATE INDEX _events_span ON _events (span);
CREATE INDEX _events_stem ON _events (trace_session, stem, time_unix_nano) WHERE stem IS NOT NULL;
CREATE INDEX _events_trace_session ON _events (trace_session);

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

CREATE TABLE _exporter_runs (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  package_version TEXT NOT NULL,
  start_time_unix_nano INTEGER NOT NULL,
  last_write_unix_nano INTEGER NOT NULL,
  batches INTEGER NOT NULL,
  received INTEGER NOT NULL,
  written INTEGER NOT NULL,
  duplicate INTEGER NOT NULL,
  repaired INTEGER NOT NULL,
  quarantined INTEGER NOT NULL,
  spooled INTEGER NOT NULL
, signal TEXT NOT NULL DEFAULT 'traces', boot_id TEXT, pid_namespace TEXT, process_start INTEGER, opened INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0, replayed INTEGER NOT NULL DEFAULT 0, retries INTEGER NOT NULL DEFAULT 0, lag_ms REAL) STRICT;

CREATE TABLE _imports (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL,                   -- its name, as it was given
  time_unix_nano INTEGER NOT NULL
) STRICT;

CREATE TABLE _links (
  id INTEGER PRIMARY KEY,
  span INTEGER NOT NULL REFERENCES _spans,
  ordinal INTEGER NOT NULL,
  linked_trace_id TEXT NOT NULL,
  linked_span_id TEXT NOT NULL,
  is_remote INTEGER NOT NULL,
  trace_flags INTEGER NOT NULL,
  trace_state TEXT,
  dropped_attributes INTEGER NOT NULL,
  attribute_types TEXT,
  attributes TEXT NOT NULL
) STRICT;
CREATE INDEX _links_linked ON _links (linked_trace_id, linked_span_id);
CREATE INDEX _links_span ON _links (span);

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

CREATE TRIGGER _llm_interactions_agent_changed
AFTER UPDATE OF is_hidden, is_repeat, is_duplicate, is_aggregate, input_tokens, output_tokens, total_tokens ON _llm_interactions
BEGIN
  UPDATE _agents
  SET
    calls = calls - (old.counted AND NOT old.is_aggregate),
    reports = reports - (old.counted AND old.has_usage),
    input_tokens = input_tokens - old.counted * min(ifnull(old.input_tokens, 0), 1099511627776),
    output_tokens = output_tokens - old.counted * min(ifnull(old.output_tokens, 0), 1099511627776),
    total_tokens = total_tokens - old.counted * min(ifnull(old.total_tokens, 0), 1099511627776)
  WHERE service_name = (SELECT r.service_name FROM _resources AS r WHERE r.id = old.resource)
    AND agent_name = ifnull(old.agent_name, '');
  UPDATE _agents
  SET
    calls = calls + (new.counted AND NOT new.is_aggregate),
    reports = reports + (new.counted AND new.has_usage),
    input_tokens = input_tokens + new.counted * min(ifnull(new.input_tokens, 0), 1099511627776),
    output_tokens = output_tokens + new.counted * min(ifnull(new.output_tokens, 0), 1099511627776),
    total_tokens = total_tokens + new.counted * min(ifnull(new.total_tokens, 0), 1099511627776)
  WHERE service_name = (SELECT r.service_name FROM _resources AS r WHERE r.id = new.resource)
    AND agent_name = ifnull(new.agent_name, '');
END;

CREATE TRIGGER _llm_interactions_agent_moved AFTER UPDATE OF trace_session ON _llm_interactions
WHEN old.trace_session <> new.trace_session
BEGIN
  UPDATE _agent_sessions
  SET calls = calls - 1
  WHERE agent = (
      SELECT a.id FROM _resources AS r JOIN _agents AS a ON a.service_name = r.service_name
      WHERE r.id = old.resource AND a.agent_name = ifnull(old.agent_name, '')
    )
    AND session = (SELECT p.session FROM _trace_sessions AS p WHERE p.id = old.trace_session);
  INSERT INTO _agent_sessions (agent, session, calls)
  SELECT a.id, p.session, 1
  FROM _resources AS r
  JOIN _agents AS a ON a.service_name = r.service_name AND a.agent_name = ifnull(new.agent_name, '')
  JOIN _trace_sessions AS p ON p.id = new.trace_session
  WHERE r.id = new.resource AND p.session IS NOT NULL
  ON CONFLICT (agent, session) DO UPDATE SET calls = calls + 1;
END;

CREATE TRIGGER _llm_interactions_agent_removed AFTER DELETE ON _llm_interactions
BEGIN
  UPDATE _agents
  SET
    rows = rows - 1,
    calls = calls - (old.counted AND NOT old.is_aggregate),
    reports = reports - (old.counted AND old.has_usage),
    input_tokens = input_tokens - old.counted * min(ifnull(old.input_tokens, 0), 1099511627776),
    output_tokens = output_tokens - old.counted * min(ifnull(old.output_tokens, 0), 1099511627776),
    total_tokens = total_tokens - old.counted * min(ifnull(old.total_tokens, 0), 1099511627776)
  WHERE service_name = (SELECT r.service_name FROM _resources AS r WHERE r.id = old.resource)
    AND agent_name = ifnull(old.agent_name, '');
  UPDATE _agent_sessions
  SET calls = calls - 1
  WHERE agent = (
      SELECT a.id FROM _resources AS r JOIN _agents AS a ON a.service_name = r.service_name
      WHERE r.id = old.resource AND a.agent_name = ifnull(old.agent_name, '')
    )
    AND session = (SELECT p.session FROM _trace_sessions AS p WHERE p.id = old.trace_session);
END;
CREATE UNIQUE INDEX _llm_interactions_event ON _llm_interactions (event) WHERE event IS NOT NULL;
CREATE INDEX _llm_interactions_hidden ON _llm_interactions (id) WHERE is_hidden = 1;

CREATE TRIGGER _llm_interactions_removed AFTER DELETE ON _llm_interactions WHEN old.event IS NOT NULL
BEGIN
  UPDATE _llm_interactions
  SET
    start_event = NULL,
    start_time_unix_nano = max(0, end_time_unix_nano - CAST(ifnull(duration_ms, 0) * 1e6 AS INTEGER))
  WHERE start_event = old.event;
  UPDATE _llm_interactions SET is_hidden = 0 WHERE event = old.start_event;
END;
CREATE INDEX _llm_interactions_response_id ON _llm_interactions (response_id, start_time_unix_nano)
  WHERE response_id IS NOT NULL;
CREATE UNIQUE INDEX _llm_interactions_span ON _llm_interactions (span, ifnull(event, 0));
CREATE INDEX _llm_interactions_start_event ON _llm_interactions (start_event) WHERE start_event IS NOT NULL;
CREATE INDEX _llm_interactions_start_time ON _llm_interactions (start_time_unix_nano);
CREATE INDEX _llm_interactions_trace_session ON _llm_interactions (trace_session);

CREATE TABLE _logs (
  id INTEGER PRIMARY KEY,
  trace_session INTEGER NOT NULL REFERENCES _trace_sessions,
  trace INTEGER NOT NULL REFERENCES _traces,
  span_id TEXT,
  resource INTEGER NOT NULL REFERENCES _resources,
  scope INTEGER REFERENCES _scopes,
  event_name TEXT,
  time_unix_nano INTEGER NOT NULL,
  observed_time_unix_nano INTEGER NOT NULL,
  time_source TEXT,                       -- NULL: the record's own; else observed or arrival
  severity_number INTEGER,
  severity_text TEXT,
  trace_flags INTEGER,
  dropped_attributes INTEGER NOT NULL,
  names_session INTEGER NOT NULL,         -- 0: it names no session itself, and shows that of its span
  body_type TEXT,                         -- as attribute_types, for the body
  body TEXT,                              -- JSON; NULL: the record has none
  attribute_types TEXT,
  attributes TEXT NOT NULL
) STRICT;
CREATE INDEX _logs_span ON _logs (trace, span_id);
CREATE INDEX _logs_time ON _logs (time_unix_nano);
CREATE INDEX _logs_trace_session ON _logs (trace_session);

CREATE TABLE _messages (
  event INTEGER PRIMARY KEY REFERENCES _events ON DELETE CASCADE, -- of the span event or log record that holds them
  prompt INTEGER,                         -- id of _texts: JSON; 0: the record's own attribute is that JSON
  completion INTEGER,
  system_instructions INTEGER
) STRICT;

CREATE TABLE _migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  applied_at TEXT NOT NULL,
  duration_ms REAL NOT NULL,
  package_version TEXT NOT NULL,
  statistics TEXT NOT NULL                -- JSON object: rows per table before and after
) STRICT;

CREATE TABLE _open_spans (
  span INTEGER PRIMARY KEY REFERENCES _spans,
  trace_session INTEGER NOT NULL REFERENCES _trace_sessions,
  run INTEGER NOT NULL REFERENCES _exporter_runs
) STRICT;
CREATE INDEX _open_spans_run ON _open_spans (run);
CREATE INDEX _open_spans_trace_session ON _open_spans (trace_session);

CREATE TABLE _quarantine (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  arrival_time_unix_nano INTEGER NOT NULL,
  reason TEXT NOT NULL,
  content TEXT NOT NULL
) STRICT;

CREATE TABLE _reindexing (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL UNIQUE,              -- spans or logs
  position INTEGER NOT NULL               -- the last id that is done
) STRICT;

CREATE TABLE _replays (
  id INTEGER PRIMARY KEY,
  spool TEXT NOT NULL UNIQUE,
  batch TEXT NOT NULL
) STRICT;

CREATE TABLE _resources (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,            -- of the columns below, so that equal resources are one row
  service_name TEXT NOT NULL,
  schema_url TEXT NOT NULL,
  attribute_types TEXT,                   -- JSON Pointer -> type, where JSON alone loses the type; else NULL
  attributes TEXT NOT NULL                -- one JSON object
) STRICT;

CREATE TABLE _scopes (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  version TEXT,
  schema_url TEXT NOT NULL,
  attribute_types TEXT,
  attributes TEXT NOT NULL
) STRICT;

CREATE TABLE _sessions (
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL UNIQUE,
  start_time_unix_nano INTEGER,           -- NULL while no span shows this session (a stronger source took them)
  end_time_unix_nano INTEGER
) STRICT;
CREATE INDEX _sessions_end_time ON _sessions (end_time_unix_nano);

CREATE TABLE _spans (
  id INTEGER PRIMARY KEY,
  trace INTEGER NOT NULL REFERENCES _traces,
  trace_session INTEGER NOT NULL REFERENCES _trace_sessions,
  resource INTEGER NOT NULL REFERENCES _resources,
  scope INTEGER REFERENCES _scopes,
  span_id TEXT NOT NULL,
  parent_span_id TEXT,
  parent_is_remote INTEGER,
  trace_flags INTEGER NOT NULL,
  trace_state TEXT,
  name TEXT NOT NULL,
  kind INTEGER NOT NULL,                  -- opentelemetry.trace.SpanKind: 0 INTERNAL to 4 CONSUMER
  start_time_unix_nano INTEGER NOT NULL,
  end_time_unix_nano INTEGER NOT NULL,
  start_time_source TEXT,                 -- NULL: the span's own; else attribute, event, span or arrival
  end_time_source TEXT,
  status_code INTEGER NOT NULL,           -- 0 UNSET, 1 OK, 2 ERROR
  status_description TEXT,
  dropped_attributes INTEGER NOT NULL,
  dropped_events INTEGER NOT NULL,
  dropped_links INTEGER NOT NULL,
  attribute_types TEXT,
  attributes TEXT NOT NULL
, texts TEXT) STRICT;
CREATE INDEX _spans_error ON _spans (start_time_unix_nano) WHERE status_code = 2;
CREATE UNIQUE INDEX _spans_key ON _spans (trace, span_id);
CREATE INDEX _spans_parent ON _spans (trace, parent_span_id) WHERE parent_span_id IS NOT NULL;
CREATE INDEX _spans_start_time ON _spans (start_time_unix_nano);
CREATE INDEX _spans_trace_session ON _spans (trace_session);

CREATE TABLE _texts (
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL                      -- a part of encoded attributes
) STRICT;

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
CREATE INDEX _tool_interactions_call ON _tool_interactions (trace, tool_call_id, tool_name);
CREATE UNIQUE INDEX _tool_interactions_event ON _tool_interactions (event) WHERE event IS NOT NULL;
CREATE INDEX _tool_interactions_hidden ON _tool_interactions (id) WHERE is_hidden = 1;

CREATE TRIGGER _tool_interactions_removed AFTER DELETE ON _tool_interactions WHEN old.event IS NOT NULL
BEGIN
  UPDATE _tool_interactions
  SET
    start_event = NULL,
    start_time_unix_nano = max(0, end_time_unix_nano - CAST(ifnull(duration_ms, 0) * 1e6 AS INTEGER))
  WHERE start_event = old.event;
  UPDATE _tool_interactions SET is_hidden = 0 WHERE event = old.start_event;
END;
CREATE INDEX _tool_interactions_span ON _tool_interactions (span);
CREATE INDEX _tool_interactions_start_event ON _tool_interactions (start_event) WHERE start_event IS NOT NULL;
CREATE INDEX _tool_interactions_start_time ON _tool_interactions (start_time_unix_nano);
CREATE INDEX _tool_interactions_trace_session ON _tool_interactions (trace_session);

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

CREATE TABLE _trace_sessions (
  id INTEGER PRIMARY KEY,
  trace INTEGER NOT NULL REFERENCES _traces,
  own_session INTEGER REFERENCES _sessions,  -- what these spans name; NULL: nothing, they show their trace's
  session INTEGER REFERENCES _sessions,      -- what these spans show
  source TEXT,
  source_rank INTEGER,
  spans INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  start_time_unix_nano INTEGER NOT NULL,
  end_time_unix_nano INTEGER NOT NULL,
  candidate_time_unix_nano INTEGER        -- of the last record that may pair by time; NULL: there is none
, interrupted INTEGER NOT NULL DEFAULT 0, logs INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TRIGGER _trace_sessions_agents_moved AFTER UPDATE OF session ON _trace_sessions WHEN old.session IS NOT new.session
BEGIN
  INSERT INTO _agent_sessions (agent, session, calls)
  SELECT a.id, w.session, w.sign * count(*)
  FROM (SELECT old.session AS session, -1 AS sign UNION ALL SELECT new.session, 1) AS w
  JOIN _llm_interactions AS i ON i.trace_session = new.id
  JOIN _resources AS r ON r.id = i.resource
  JOIN _agents AS a ON a.service_name = r.service_name AND a.agent_name = ifnull(i.agent_name, '')
  WHERE w.session IS NOT NULL
  GROUP BY 1, 2
  ON CONFLICT (agent, session) DO UPDATE SET calls = calls + excluded.calls;
END;
CREATE INDEX _trace_sessions_candidates ON _trace_sessions (session, candidate_time_unix_nano)
  WHERE candidate_time_unix_nano IS NOT NULL;
CREATE UNIQUE INDEX _trace_sessions_key ON _trace_sessions (trace, coalesce(own_session, 0));
CREATE INDEX _trace_sessions_session ON _trace_sessions (session, end_time_unix_nano);

CREATE TABLE _traces (
  id INTEGER PRIMARY KEY,
  trace_id TEXT NOT NULL UNIQUE,
  session INTEGER REFERENCES _sessions,   -- the strongest session named on any span of the trace
  session_source TEXT,                    -- the attribute that named it
  session_rank INTEGER,                   -- its place in the list of sources; with the two below: how strong it is
  session_is_child INTEGER,
  session_time_unix_nano INTEGER,
  user_id TEXT,                           -- the strongest user named on any span, by the same rule
  user_source TEXT,
  user_rank INTEGER,
  user_is_child INTEGER,
  user_time_unix_nano INTEGER,
  root_rank INTEGER NOT NULL,             -- 0 no parent, 1 remote parent, 2 the earliest span seen so far
  root_time_unix_nano INTEGER NOT NULL,
  root_span_id TEXT NOT NULL,
  start_time_unix_nano INTEGER NOT NULL,
  end_time_unix_nano INTEGER NOT NULL
) STRICT;
CREATE INDEX _traces_session ON _traces (session);
CREATE INDEX _traces_start_time ON _traces (start_time_unix_nano);

CREATE VIEW _agent_names AS
-- One row a span, with the agent that it belongs to: the name in its own call, else in the nearest call above it. Private.
SELECT
  s.id AS span,
  (
    WITH RECURSIVE up (trace, span, parent_span_id, depth) AS (
      SELECT s.trace, s.id, s.parent_span_id, 0
      UNION ALL
      SELECT up.trace, q.id, q.parent_span_id, up.depth + 1
      FROM up CROSS JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.parent_span_id
      WHERE up.depth < 1000
    )
    SELECT (SELECT a.agent_name FROM _llm_interactions AS a WHERE a.span = up.span AND ifnull(a.event, 0) = 0) AS named
    FROM up
    WHERE named IS NOT NULL
    LIMIT 1
  ) AS agent_name
FROM _spans AS s;

CREATE VIEW _message_records AS
-- One row an event of a span, or a log record, that holds messages. source: the smallest is the surest; records of 0 and 2
-- hold the whole, those of 1 and 3 single messages. place and rank: their order, so that of one time, log records come as
-- system, user, assistant, tool, whichever arrived first. The columns of content are those of _messages. Private.
SELECT
  m.event,
  2 * (e.log IS NOT NULL) + (e.name <> 'gen_ai.client.inference.operation.details') AS source,
  coalesce(e.ordinal, e.time_unix_nano) AS place,
  instr('suat', substr(e.name, 8, 1)) AS rank,
  m.prompt,
  m.completion,
  m.system_instructions,
  coalesce(e.attributes, l.attributes) AS attributes
FROM _messages AS m
CROSS JOIN _events AS e ON e.id = m.event
LEFT JOIN _logs AS l ON l.id = e.log;

CREATE VIEW _recorded_messages AS
-- One row a span, with the content of a call that its events hold, or else log records that name it: the first prompt and
-- the last completion of records that hold the whole, or else all messages. Private.
SELECT
  s.id AS span,
  (
    SELECT coalesce(
      ('[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 0) || ']') ->> '$[0]',
      '[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 1) || ']',
      ('[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 2) || ']') ->> '$[0]',
      '[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 3) || ']'
    )
    FROM (
      SELECT q.source, iif(q.prompt = 0, q.attributes ->> '$."gen_ai.input.messages"', (SELECT t.text FROM _texts AS t WHERE t.id = q.prompt)) AS text
      FROM _message_records AS q
      WHERE q.prompt IS NOT NULL AND q.event IN (
        SELECT e.id FROM _events AS e WHERE e.span = s.id
        UNION ALL
        SELECT e.id FROM _logs AS l CROSS JOIN _events AS e ON e.log = l.id WHERE l.trace = s.trace AND l.span_id = s.span_id
      )
      ORDER BY q.place, q.rank, text
    ) AS recorded
  ) AS prompt,
  (
    SELECT coalesce(
      ('[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 0) || ']') ->> '$[#-1]',
      '[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 1) || ']',
      ('[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 2) || ']') ->> '$[#-1]',
      '[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 3) || ']'
    )
    FROM (
      SELECT q.source, iif(q.completion = 0, q.attributes ->> '$."gen_ai.output.messages"', (SELECT t.text FROM _texts AS t WHERE t.id = q.completion)) AS text
      FROM _message_records AS q
      WHERE q.completion IS NOT NULL AND q.event IN (
        SELECT e.id FROM _events AS e WHERE e.span = s.id
        UNION ALL
        SELECT e.id FROM _logs AS l CROSS JOIN _events AS e ON e.log = l.id WHERE l.trace = s.trace AND l.span_id = s.span_id
      )
      ORDER BY q.place, q.rank, text
    ) AS recorded
  ) AS completion,
  (
    SELECT iif(q.system_instructions = 0, q.attributes ->> '$."gen_ai.system_instructions"', (SELECT t.text FROM _texts AS t WHERE t.id = q.system_instructions)) AS text
    FROM _message_records AS q
    WHERE q.system_instructions IS NOT NULL AND q.event IN (
      SELECT e.id FROM _events AS e WHERE e.span = s.id
      UNION ALL
      SELECT e.id FROM _logs AS l CROSS JOIN _events AS e ON e.log = l.id WHERE l.trace = s.trace AND l.span_id = s.span_id
    )
    ORDER BY q.source, q.place, text
    LIMIT 1
  ) AS system_instructions
FROM _spans AS s;

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

CREATE VIEW agents AS
-- One row an agent: what made calls of models under one service and one agent name (gen_ai.agent.name; NULL: calls that
-- name none, nor does their resource). agent_id and version are those that its spans or its resource name (gen_ai.agent.id, gen_ai.agent.version,
-- else service.version), the greatest of several. Calls and tokens are those of counted calls.
SELECT
  a.agent_id,
  coalesce(nullif(a.agent_name, ''), a.resource_agent_name) AS agent_name,
  a.service_name,
  a.version,
  strftime('%Y-%m-%dT%H:%M:%S', a.first_seen_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', a.first_seen_unix_nano / 1000 % 1000000) AS first_seen,
  strftime('%Y-%m-%dT%H:%M:%S', a.last_seen_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', a.last_seen_unix_nano / 1000 % 1000000) AS last_seen,
  a.first_seen_unix_nano AS start_time_unix_nano,
  a.last_seen_unix_nano AS end_time_unix_nano,
  (SELECT count(*) FROM _agent_sessions AS x WHERE x.agent = a.id AND x.calls > 0) AS sessions,
  a.calls AS llm_calls,
  iif(a.reports > 0, a.input_tokens, NULL) AS input_tokens,
  iif(a.reports > 0, a.output_tokens, NULL) AS output_tokens,
  iif(a.reports > 0, a.total_tokens, NULL) AS total_tokens
FROM _agents AS a
WHERE a.rows > 0;

CREATE VIEW complete_llm_interactions AS
-- One row a call of a model (and of an agent or workflow that reports usage), with its request and its response.
-- counted is 1 where the call and its usage are its own, and 0 where they repeat what other rows report: sum tokens
-- WHERE counted. A missing number is NULL, never 0. is_aggregate is 1 for agents and workflows.
-- input_tokens include the cached and cache-creation ones, output_tokens include reasoning.
-- source is 'span', or 'event' where the call was recorded as events or log records: then start_id and finish_id are
-- theirs, and span_id is the span they were recorded in. For a span request_ and response_timestamp are its times.
-- agent_name is what it names itself, else what its span, or the nearest above that, does.
-- prompt, completion and system_instructions are those of attributes, else of events of the span, else of log records that
-- name it. An attribute that has the form of the conventions is not parsed when it is written (the column of the call is an
-- empty text): one that is no JSON after all is shown as a text. LIMIT 1 keeps SQLite from reading it three times.
-- Calls that run (finish_id is NULL) and interrupted ones are here too, with status and end as in the view spans.
SELECT
  t.trace_id,
  coalesce(s.span_id, l.span_id) AS span_id,
  s.parent_span_id,
  x.session_id,
  coalesce(i.user_id, b.user_id, t.user_id) AS user_id,
  coalesce(i.agent_name, b.agent_name, n.agent_name) AS agent_name,
  r.service_name,
  iif(i.event IS NULL, s.name, e.name) AS name,
  coalesce(i.operation, b.operation) AS operation,
  coalesce(i.provider, b.provider) AS provider,
  coalesce(b.request_model, i.request_model) AS request_model,
  coalesce(i.response_model, b.response_model) AS response_model,
  coalesce(i.response_model, b.response_model, i.request_model, b.request_model) AS model,
  iif(i.event IS NULL, (SELECT q.id FROM _events AS q WHERE q.span = i.span AND q.source = 0 AND q.phase = 'start'), coalesce(i.start_event, iif(e.phase = 'start', e.id, NULL))) AS start_id,
  iif(i.event IS NULL, (SELECT q.id FROM _events AS q WHERE q.span = i.span AND q.source = 0 AND q.phase = 'finish'), iif(e.phase IS NOT 'start', e.id, NULL)) AS finish_id,
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
    WHEN o.span IS NOT NULL THEN 'running'
    WHEN i.event IS NULL AND i.is_interrupted THEN 'interrupted'
    WHEN i.status_code = 2 OR i.error_type IS NOT NULL THEN 'error'
    ELSE iif(e.phase = 'start', 'running', 'ok')
  END AS status,
  i.error_type,
  i.cost_usd,
  i.cost_status,
  CASE
    WHEN i.prompt = '' THEN (
      SELECT iif(json_valid(attribute.text), attribute.text, '[{"role":"user","parts":[{"type":"text","content":' || json_quote(attribute.text) || '}]}]')
      FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.input.messages"' AS text LIMIT 1) AS attribute
    )
    WHEN i.event IS NULL THEN coalesce(i.prompt, m.prompt)
    ELSE coalesce(i.prompt, b.prompt)
  END AS prompt,
  CASE
    WHEN i.completion = '' THEN (
      SELECT iif(json_valid(attribute.text), attribute.text, '[{"role":"assistant","parts":[{"type":"text","content":' || json_quote(attribute.text) || '}]}]')
      FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.output.messages"' AS text LIMIT 1) AS attribute
    )
    WHEN i.event IS NULL THEN coalesce(i.completion, m.completion)
    ELSE i.completion
  END AS completion,
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
  CASE
    WHEN i.system_instructions = '' THEN (
      SELECT iif(json_valid(attribute.text), attribute.text, '[{"type":"text","content":' || json_quote(attribute.text) || '}]')
      FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.system_instructions"' AS text LIMIT 1) AS attribute
    )
    WHEN i.event IS NULL THEN coalesce(i.system_instructions, m.system_instructions)
    ELSE coalesce(i.system_instructions, b.system_instructions)
  END AS system_instructions,
  i.price_source,
  i.price_date,
  i.id
FROM _llm_interactions AS i
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _llm_interactions AS b ON b.event = i.start_event
LEFT JOIN _spans AS s ON s.id = i.span
LEFT JOIN _events AS e ON e.id = i.event
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _agent_names AS n ON n.span = i.span
LEFT JOIN _recorded_messages AS m ON m.span = i.span
LEFT JOIN _resources AS r ON r.id = i.resource
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
  coalesce(s.span_id, l.span_id) AS span_id,
  s.parent_span_id,
  x.session_id,
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
    iif(i.is_request,
      (SELECT r.result FROM _tool_results AS r WHERE r.trace = i.trace AND r.tool_call_id = i.tool_call_id ORDER BY r.time_unix_nano, r.result LIMIT 1),
      iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.tool.call.result"'
    )
  ) AS result,
  CASE
    WHEN i.is_request THEN NULL
    WHEN i.event IS NULL THEN (SELECT q.id FROM _events AS q WHERE q.span = i.span AND q.source = 0 AND q.phase = 'start')
    ELSE coalesce(i.start_event, iif(e.phase = 'start', e.id, NULL))
  END AS start_id,
  CASE
    WHEN i.is_request THEN NULL
    WHEN i.event IS NULL THEN (SELECT q.id FROM _events AS q WHERE q.span = i.span AND q.source = 0 AND q.phase = 'finish')
    ELSE iif(e.phase IS NOT 'start', e.id, NULL)
  END AS finish_id,
  i.start_time_unix_nano AS start_time_unix_nano,
  max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', i.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', i.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000 % 1000000) AS end_time,
  iif(i.is_request, NULL, coalesce(i.duration_ms, (max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) - i.start_time_unix_nano) / 1e6)) AS duration_ms,
  CASE
    WHEN i.is_request THEN iif(EXISTS (SELECT 1 FROM _tool_results AS r WHERE r.trace = i.trace AND r.tool_call_id = i.tool_call_id), 'ok', NULL)
    WHEN o.span IS NOT NULL THEN 'running'
    WHEN i.event IS NULL AND i.is_interrupted THEN 'interrupted'
    WHEN i.status_code = 2 OR i.error_type IS NOT NULL THEN 'error'
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
    coalesce(
      (SELECT c.span_id FROM _tool_interactions AS q JOIN _spans AS c ON c.id = q.span
       WHERE q.trace = i.trace AND q.tool_call_id = coalesce(i.tool_call_id, b.tool_call_id) AND q.is_request = 1
       ORDER BY q.start_time_unix_nano, c.span_id LIMIT 1),
      (SELECT c.span_id FROM _tool_interactions AS q JOIN _spans AS c ON c.id = q.span
       WHERE i.tool_call_id IS NULL AND q.trace = i.trace AND q.tool_name = i.tool_name AND q.is_request = 1
         AND q.start_time_unix_nano <= i.start_time_unix_nano
       ORDER BY q.start_time_unix_nano DESC, c.span_id LIMIT 1)
    )
  ) AS asked_by_span_id,
  i.id
FROM _tool_interactions AS i
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _tool_interactions AS b ON b.event = i.start_event
LEFT JOIN _spans AS s ON s.id = i.span
LEFT JOIN _events AS e ON e.id = i.event
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _agent_names AS n ON n.span = i.span
LEFT JOIN _resources AS r ON r.id = i.resource
LEFT JOIN _open_spans AS o ON o.span = i.span AND i.event IS NULL AND i.is_request = 0
LEFT JOIN _exporter_runs AS h ON h.id = o.run
WHERE i.is_hidden = 0;

CREATE VIEW days AS
-- One row a day (UTC) on which something started: how many spans, traces, calls of models, tool executions and log
-- records. Agents and workflows are no calls.
SELECT
  date(d.day * 86400, 'unixepoch') AS date,
  sum(d.spans) AS spans,
  sum(d.traces) AS traces,
  sum(d.llm_calls) AS llm_calls,
  sum(d.tool_executions) AS tool_executions,
  sum(d.logs) AS logs
FROM (
  SELECT s.start_time_unix_nano / 86400000000000 AS day, count(*) AS spans, 0 AS traces, 0 AS llm_calls, 0 AS tool_executions, 0 AS logs
  FROM _spans AS s
  GROUP BY 1
  UNION ALL
  SELECT t.start_time_unix_nano / 86400000000000, 0, count(*), 0, 0, 0
  FROM _traces AS t
  WHERE t.trace_id <> ''
  GROUP BY 1
  UNION ALL
  SELECT i.start_time_unix_nano / 86400000000000, 0, 0, count(*), 0, 0
  FROM _llm_interactions AS i
  WHERE i.is_hidden = 0 AND i.is_aggregate = 0
  GROUP BY 1
  UNION ALL
  SELECT i.start_time_unix_nano / 86400000000000, 0, 0, 0, count(*), 0
  FROM _tool_interactions AS i
  WHERE i.is_hidden = 0
  GROUP BY 1
  UNION ALL
  SELECT l.time_unix_nano / 86400000000000, 0, 0, 0, 0, count(*)
  FROM _logs AS l
  GROUP BY 1
) AS d
GROUP BY d.day;

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

CREATE VIEW exporter_health AS
-- One row for each exporter in each process that wrote to this file; counters of spans (signal 'traces') or log records
-- (signal 'logs') since it started, or of both, for a command that imported them (signal 'import').
-- received = written + duplicate + quarantined. repaired counts values that could not be kept exactly, opened spans that were written before they ended, dropped what is lost: the queue or the spool was
-- full, or neither file nor spool could be written. spooled went to the spool, replayed came back from it. retries are
-- batches that were tried again. lag_ms is how long the oldest record of the last batch had waited.
SELECT
  h.run_id,
  h.host,
  h.pid,
  h.package_version,
  strftime('%Y-%m-%dT%H:%M:%S', h.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', h.start_time_unix_nano / 1000 % 1000000) AS started,
  strftime('%Y-%m-%dT%H:%M:%S', h.last_write_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', h.last_write_unix_nano / 1000 % 1000000) AS last_write,
  h.batches,
  h.received,
  h.written,
  h.duplicate,
  h.repaired,
  h.quarantined,
  h.spooled,
  h.signal,
  h.opened,
  h.dropped,
  h.replayed,
  h.retries,
  h.lag_ms
FROM _exporter_runs AS h;

CREATE VIEW framework_events AS
-- One row an event of a framework: a span event or log record whose name begins with framework. (such as framework.patch).
SELECT
  e.id AS event_id,
  t.trace_id,
  coalesce(s.span_id, l.span_id) AS span_id,
  x.session_id,
  r.service_name,
  e.name,
  coalesce(e.attributes, l.attributes) ->> '$."framework.name"' AS framework_name,
  coalesce(e.attributes, l.attributes) ->> '$."framework.version"' AS framework_version,
  e.time_unix_nano AS start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', e.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', e.time_unix_nano / 1000 % 1000000) AS start_time,
  l.severity_text,
  coalesce(e.attribute_types, l.attribute_types) AS attribute_types,
  coalesce(e.attributes, l.attributes) AS attributes
FROM _events AS e
JOIN _trace_sessions AS p ON p.id = e.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _spans AS s ON s.id = e.span
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = coalesce(s.resource, l.resource)
WHERE e.name >= 'framework.' AND e.name < 'framework/';

CREATE VIEW link_health AS
-- One row: how many start and finish records there are, how they were linked, and how many stand alone.
-- running are starts of spans that have not ended: no orphans. success_rate is linked / (records - running); NULL while
-- there are none.
SELECT
  count(*) AS records,
  count(e.related_event) AS linked,
  count(*) FILTER (WHERE e.link_method = 'span') AS linked_by_span,
  count(*) FILTER (WHERE e.link_method = 'temporal') AS linked_by_temporal,
  count(*) FILTER (WHERE e.phase = 'start' AND e.related_event IS NULL AND e.source <> 0) AS orphan_starts,
  count(*) FILTER (WHERE e.phase = 'finish' AND e.related_event IS NULL) AS orphan_finishes,
  count(e.related_event) * 1.0 / nullif(count(*) - count(*) FILTER (WHERE e.source = 0 AND e.phase = 'start' AND e.related_event IS NULL), 0) AS success_rate,
  count(*) FILTER (WHERE e.source = 0 AND e.phase = 'start' AND e.related_event IS NULL) AS running
FROM _events AS e
WHERE e.phase IS NOT NULL;

CREATE VIEW link_health_by_day AS
-- One row a day (UTC) on which a start or finish record happened: how these were linked, as in link_health.
SELECT
  date(d.day * 86400, 'unixepoch') AS date,
  d.records,
  d.linked,
  d.linked_by_span,
  d.linked_by_temporal,
  d.orphan_starts,
  d.orphan_finishes,
  d.running
FROM (
  SELECT
    e.time_unix_nano / 86400000000000 AS day,
    count(*) AS records,
    count(e.related_event) AS linked,
    count(*) FILTER (WHERE e.link_method = 'span') AS linked_by_span,
    count(*) FILTER (WHERE e.link_method = 'temporal') AS linked_by_temporal,
    count(*) FILTER (WHERE e.phase = 'start' AND e.related_event IS NULL AND e.source <> 0) AS orphan_starts,
    count(*) FILTER (WHERE e.phase = 'finish' AND e.related_event IS NULL) AS orphan_finishes,
    count(*) FILTER (WHERE e.source = 0 AND e.phase = 'start' AND e.related_event IS NULL) AS running
  FROM _events AS e
  WHERE e.phase IS NOT NULL
  GROUP BY 1
) AS d;

CREATE VIEW links AS
-- One row a link: the span that carries it (trace_id, span_id) and the span it points at, which may be in no file.
SELECT
  t.trace_id,
  s.span_id,
  x.session_id,
  l.ordinal,
  l.linked_trace_id,
  l.linked_span_id,
  l.is_remote,
  l.trace_flags,
  l.trace_state,
  l.dropped_attributes,
  l.attribute_types,
  l.attributes
FROM _links AS l
JOIN _spans AS s ON s.id = l.span
JOIN _traces AS t ON t.id = s.trace
JOIN _trace_sessions AS p ON p.id = s.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session;

CREATE VIEW logs AS
-- One row a log record. trace_id and span_id are NULL where it names none; span_id may be of a span that never came.
-- session_id is the record's own, else its span's, else its trace's. event_id is its row in the view events, where
-- it has an event name. body is JSON, NULL where there is none. severity_number is OpenTelemetry's, 1 to 24.
SELECT
  l.id,
  t.trace_id,
  l.span_id,
  x.session_id,
  r.service_name,
  l.event_name,
  l.severity_number,
  l.severity_text,
  l.body,
  l.time_unix_nano AS start_time_unix_nano,
  l.observed_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', l.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', l.time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', l.observed_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', l.observed_time_unix_nano / 1000 % 1000000) AS observed_time,
  coalesce(l.time_source, 'record') AS time_source,
  (SELECT e.id FROM _events AS e WHERE e.log = l.id) AS event_id,
  l.trace_flags,
  l.dropped_attributes,
  c.name AS scope_name,
  c.version AS scope_version,
  c.schema_url AS scope_schema_url,
  c.attributes AS scope_attributes,
  c.attribute_types AS scope_attribute_types,
  r.schema_url AS resource_schema_url,
  r.attributes AS resource_attributes,
  r.attribute_types AS resource_attribute_types,
  l.body_type,
  l.attribute_types,
  l.attributes
FROM _logs AS l
LEFT JOIN _traces AS t ON t.id = l.trace AND t.trace_id <> ''
JOIN _trace_sessions AS p ON p.id = l.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = l.resource
LEFT JOIN _scopes AS c ON c.id = l.scope;

CREATE VIEW row_counts AS
-- One row: how many rows each of these views has. Much faster than to count them: a number is read from an index.
SELECT
  (SELECT count(*) FROM _sessions AS x WHERE x.end_time_unix_nano IS NOT NULL) AS sessions,
  (SELECT count(*) FROM _traces AS t) - (SELECT count(*) FROM _traces AS t WHERE t.trace_id = '') AS traces,
  (SELECT count(*) FROM _spans AS s) AS spans,
  (SELECT count(*) FROM _events AS e) AS events,
  (SELECT count(*) FROM _links AS l) AS links,
  (SELECT count(*) FROM _logs AS l) AS logs,
  (SELECT count(*) FROM _llm_interactions AS i) - (SELECT count(*) FROM _llm_interactions AS i WHERE i.is_hidden = 1) AS complete_llm_interactions,
  (SELECT count(*) FROM _tool_interactions AS i) - (SELECT count(*) FROM _tool_interactions AS i WHERE i.is_hidden = 1) AS complete_tool_interactions;

CREATE VIEW security_alerts AS
-- One row an alert: a span event or log record whose name begins with security. (such as security.content.suspicious).
-- trace_id and span_id are of the call that it warns of, which may come after it: span_id is that of
-- complete_llm_interactions and complete_tool_interactions, calls how many of those there are.
SELECT
  e.id AS event_id,
  t.trace_id,
  coalesce(s.span_id, l.span_id) AS span_id,
  x.session_id,
  r.service_name,
  e.name,
  coalesce(coalesce(e.attributes, l.attributes) ->> '$."security.alert_level"', coalesce(e.attributes, l.attributes) ->> '$."security.severity"') AS alert_level,
  coalesce(e.attributes, l.attributes) ->> '$."security.category"' AS category,
  coalesce(e.attributes, l.attributes) ->> '$."security.description"' AS description,
  coalesce(e.attributes, l.attributes) ->> '$."security.keywords"' AS keywords,
  (
    SELECT count(*) FROM _spans AS q JOIN _llm_interactions AS i ON i.span = q.id
    WHERE q.trace = p.trace AND q.span_id = coalesce(s.span_id, l.span_id) AND i.is_hidden = 0
  ) + (
    SELECT count(*) FROM _logs AS m JOIN _events AS f ON f.log = m.id JOIN _llm_interactions AS i ON i.event = f.id
    WHERE m.trace = p.trace AND m.span_id = coalesce(s.span_id, l.span_id) AND i.span IS NULL AND i.is_hidden = 0
  ) AS calls,
  e.time_unix_nano AS start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', e.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', e.time_unix_nano / 1000 % 1000000) AS start_time,
  l.severity_text,
  coalesce(e.attribute_types, l.attribute_types) AS attribute_types,
  coalesce(e.attributes, l.attributes) AS attributes
FROM _events AS e
JOIN _trace_sessions AS p ON p.id = e.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _spans AS s ON s.id = e.span
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = coalesce(s.resource, l.resource)
WHERE e.name >= 'security.' AND e.name < 'security/';

CREATE VIEW session_conflicts AS
-- One row where spans of a trace name another session than the trace's: they keep their own, and stand here.
SELECT
  t.trace_id,
  w.session_id,
  t.session_source,
  o.session_id AS other_session_id,
  p.source AS other_session_source,
  p.spans AS other_spans
FROM _trace_sessions AS p
JOIN _traces AS t ON t.id = p.trace
JOIN _sessions AS o ON o.id = p.own_session
JOIN _sessions AS w ON w.id = t.session
WHERE p.own_session <> t.session AND p.spans > 0;

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
