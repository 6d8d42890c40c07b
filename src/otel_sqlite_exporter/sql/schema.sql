-- The schema after all migrations, written by `make schema`. To read: what counts is in migrations/.

PRAGMA application_id = 0x6f74656c;
PRAGMA user_version = 3;

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
CREATE INDEX _events_log ON _events (log) WHERE log IS NOT NULL;
CREATE INDEX _events_related_event ON _events (related_event);
CREATE INDEX _events_span ON _events (span);
CREATE INDEX _events_stem ON _events (trace_session, stem, time_unix_nano) WHERE stem IS NOT NULL;
CREATE INDEX _events_trace_session ON _events (trace_session);

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
  span INTEGER NOT NULL UNIQUE REFERENCES _spans,
  trace_session INTEGER NOT NULL REFERENCES _trace_sessions,
  is_aggregate INTEGER NOT NULL,          -- 1: the span of an agent or workflow, whose usage repeats its calls'
  counted INTEGER NOT NULL,
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
  input_tokens INTEGER,
  output_tokens INTEGER,
  total_tokens INTEGER,
  cached_input_tokens INTEGER,
  cache_creation_input_tokens INTEGER,
  reasoning_tokens INTEGER,
  cost_usd REAL,
  cost_status TEXT
) STRICT;
CREATE INDEX _llm_interactions_aggregate ON _llm_interactions (trace_session) WHERE is_aggregate = 1 AND counted = 1;
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
) STRICT;
CREATE UNIQUE INDEX _spans_key ON _spans (trace, span_id);
CREATE INDEX _spans_start_time ON _spans (start_time_unix_nano);
CREATE INDEX _spans_trace_session ON _spans (trace_session);

CREATE TABLE _tool_interactions (
  id INTEGER PRIMARY KEY,
  span INTEGER NOT NULL UNIQUE REFERENCES _spans,
  trace_session INTEGER NOT NULL REFERENCES _trace_sessions,
  tool_name TEXT,
  tool_call_id TEXT,
  tool_type TEXT,
  user_id TEXT,
  agent_name TEXT,
  error_type TEXT
) STRICT;
CREATE INDEX _tool_interactions_trace_session ON _tool_interactions (trace_session);

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

CREATE VIEW complete_llm_interactions AS
-- One row a call of a model (and of an agent or workflow that reports usage), with its request and its response.
-- counted is 1 where the usage is the call's own and 0 where it repeats what other calls of the trace report: sum
-- tokens WHERE counted. A missing number is NULL, never 0. request_ and response_timestamp are the span's times.
-- Calls that run (finish_id is NULL) and interrupted ones are here too, with status and end as in the view spans.
SELECT
  t.trace_id,
  s.span_id,
  s.parent_span_id,
  x.session_id,
  coalesce(i.user_id, t.user_id) AS user_id,
  i.agent_name,
  r.service_name,
  s.name,
  i.operation,
  i.provider,
  i.request_model,
  i.response_model,
  coalesce(i.response_model, i.request_model) AS model,
  (SELECT e.id FROM _events AS e WHERE e.span = s.id AND e.source = 0 AND e.phase = 'start') AS start_id,
  (SELECT e.id FROM _events AS e WHERE e.span = s.id AND e.source = 0 AND e.phase = 'finish') AS finish_id,
  strftime('%Y-%m-%dT%H:%M:%S', s.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', s.start_time_unix_nano / 1000 % 1000000) AS request_timestamp,
  strftime('%Y-%m-%dT%H:%M:%S', max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000 % 1000000) AS response_timestamp,
  s.start_time_unix_nano,
  max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) AS end_time_unix_nano,
  (max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) - s.start_time_unix_nano) / 1e6 AS duration_ms,
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
  CASE s.end_time_source WHEN 'open' THEN 'running' WHEN 'estimated' THEN 'interrupted' ELSE iif(s.status_code = 2 OR i.error_type IS NOT NULL, 'error', 'ok') END AS status,
  i.error_type,
  i.cost_usd,
  i.cost_status,
  coalesce(s.attributes ->> '$."gen_ai.input.messages"', s.attributes ->> '$."gen_ai.prompt"') AS prompt,
  coalesce(s.attributes ->> '$."gen_ai.output.messages"', s.attributes ->> '$."gen_ai.completion"') AS completion,
  s.attributes AS combined_attributes
FROM _llm_interactions AS i
JOIN _spans AS s ON s.id = i.span
JOIN _traces AS t ON t.id = s.trace
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = s.resource
LEFT JOIN _open_spans AS o ON o.span = s.id
LEFT JOIN _exporter_runs AS h ON h.id = o.run;

CREATE VIEW complete_tool_interactions AS
-- One row a tool execution that has a span, with its arguments and its result.
-- Calls that run (finish_id is NULL) and interrupted ones are here too, with status and end as in the view spans.
SELECT
  t.trace_id,
  s.span_id,
  s.parent_span_id,
  x.session_id,
  coalesce(i.user_id, t.user_id) AS user_id,
  i.agent_name,
  r.service_name,
  s.name,
  i.tool_name,
  i.tool_call_id,
  i.tool_type,
  s.attributes ->> '$."gen_ai.tool.call.arguments"' AS arguments,
  s.attributes ->> '$."gen_ai.tool.call.result"' AS result,
  (SELECT e.id FROM _events AS e WHERE e.span = s.id AND e.source = 0 AND e.phase = 'start') AS start_id,
  (SELECT e.id FROM _events AS e WHERE e.span = s.id AND e.source = 0 AND e.phase = 'finish') AS finish_id,
  s.start_time_unix_nano,
  max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', s.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', s.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000 % 1000000) AS end_time,
  (max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) - s.start_time_unix_nano) / 1e6 AS duration_ms,
  CASE s.end_time_source WHEN 'open' THEN 'running' WHEN 'estimated' THEN 'interrupted' ELSE iif(s.status_code = 2 OR i.error_type IS NOT NULL, 'error', 'ok') END AS status,
  i.error_type,
  s.attributes AS combined_attributes
FROM _tool_interactions AS i
JOIN _spans AS s ON s.id = i.span
JOIN _traces AS t ON t.id = s.trace
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = s.resource
LEFT JOIN _open_spans AS o ON o.span = s.id
LEFT JOIN _exporter_runs AS h ON h.id = o.run;

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
  coalesce(e.attributes, s.attributes, l.attributes) AS attributes
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
-- One row a session: everything that shows it, whether a span named it itself or took it from its trace.
-- source is the attribute that named it, user_id the user of its first trace that names one, service_name and
-- attributes those of the root span of its first trace. Tokens are those of counted calls.
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
   WHERE p.session = x.id AND i.is_aggregate = 0) AS llm_calls,
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
  (SELECT sum(p.logs) FROM _trace_sessions AS p WHERE p.session = x.id) AS logs
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
  s.attributes
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
-- any span runs, else interrupted if any was, else error if any failed, else ok.
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
   WHERE p.trace = t.id AND i.is_aggregate = 0) AS llm_calls,
  s.attribute_types,
  s.attributes,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id WHERE p.trace = t.id) AS running,
  (SELECT sum(p.interrupted) FROM _trace_sessions AS p WHERE p.trace = t.id) AS interrupted,
  (SELECT sum(p.logs) FROM _trace_sessions AS p WHERE p.trace = t.id) AS logs
FROM _traces AS t
LEFT JOIN _sessions AS x ON x.id = t.session
LEFT JOIN _spans AS s ON s.trace = t.id AND s.span_id = t.root_span_id
LEFT JOIN _resources AS r ON r.id = s.resource
WHERE t.trace_id <> '';
