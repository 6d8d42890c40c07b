-- Calls of models and executions of tools that the dialects recognise in spans, events and log records. Content that the
-- attributes hold in our form is not repeated here: the views read it from there.

-- What records calls: the spans, span events or log records of one scope, in the form of one dialect. Two reporters of one
-- service may record the same call.
CREATE TABLE _reporters (
  id INTEGER PRIMARY KEY,
  service_name TEXT NOT NULL,
  source INTEGER NOT NULL,                -- 0 spans, 1 span events, 2 log records
  scope_name TEXT NOT NULL,               -- empty: no scope
  dialect TEXT NOT NULL,
  is_aggregate INTEGER NOT NULL,          -- 1: of agents and workflows
  UNIQUE (service_name, source, scope_name, dialect, is_aggregate)
) STRICT;

CREATE TABLE _llm_interactions (
  id INTEGER PRIMARY KEY,
  trace_session INTEGER NOT NULL REFERENCES _trace_sessions,
  trace INTEGER NOT NULL,                 -- the trace of trace_session
  span INTEGER REFERENCES _spans,         -- NULL: a log record's call; its span is not in the file
  event INTEGER REFERENCES _events,       -- NULL: the span itself is the call
  start_event INTEGER REFERENCES _events, -- the start record of this finish, if that has a row too
  resource INTEGER NOT NULL,              -- an id of _resources
  reporter INTEGER NOT NULL,              -- an id of _reporters
  start_time_unix_nano INTEGER NOT NULL,
  end_time_unix_nano INTEGER NOT NULL,
  status_code INTEGER NOT NULL,           -- as in _spans
  is_interrupted INTEGER NOT NULL DEFAULT 0, -- 1: its process ended first
  response_key INTEGER,                   -- of response_id and end: (end / 2^36 ns) * 2^32 + CRC-32 of the id
  is_aggregate INTEGER NOT NULL,          -- 1: an agent or workflow, whose usage repeats that of its calls
  is_hidden INTEGER NOT NULL,             -- 1: a start whose finish shows both; a repeat; an agent that reports no usage
  is_repeat INTEGER NOT NULL DEFAULT 0,   -- 1: calls below it, or the call above it, report the same usage
  twin INTEGER,                           -- the row that counts for the same call. NULL: this one
  content_of INTEGER,                     -- the row of the same call whose messages it shows too. NULL: none
  own_facts TEXT,                         -- JSON: columns that have values of other rows of the call, as they were before
  counted INTEGER NOT NULL AS (is_hidden = 0 AND is_repeat = 0 AND twin IS NULL),
  has_failed INTEGER NOT NULL AS (is_interrupted = 0 AND (status_code = 2 OR error_type IS NOT NULL)),
  has_usage INTEGER NOT NULL AS (input_tokens IS NOT NULL OR output_tokens IS NOT NULL OR total_tokens IS NOT NULL),
  has_own_usage INTEGER NOT NULL AS (iif(own_facts IS NULL,
    input_tokens IS NOT NULL OR output_tokens IS NOT NULL OR total_tokens IS NOT NULL,
    coalesce(own_facts ->> 'input_tokens', own_facts ->> 'output_tokens', own_facts ->> 'total_tokens') IS NOT NULL
  )),
  operation TEXT,                         -- gen_ai.operation.name, such as chat
  provider TEXT,
  request_model TEXT,
  response_model TEXT,
  response_id TEXT,
  user_id TEXT,
  agent_name TEXT,                        -- the record's own; the views also look above
  finish_reasons TEXT,                    -- JSON array
  error_type TEXT,
  time_to_first_token_ms REAL,
  input_tokens INTEGER,                   -- with cached and cache-creation tokens
  output_tokens INTEGER,                  -- with reasoning tokens
  total_tokens INTEGER,
  cached_input_tokens INTEGER,
  cache_creation_input_tokens INTEGER,
  reasoning_tokens INTEGER,
  cost_usd REAL,
  cost_status TEXT,                       -- reported, exact, partial or unpriced; NULL: not computed yet
  price_source TEXT,                      -- where the prices are from
  price_date TEXT,                        -- when the cost was computed
  -- 1: what it cost is not known, or only a part. A failed call without usage costs nothing.
  is_unpriced INTEGER NOT NULL AS (iif(cost_status IN ('reported', 'exact'), 0,
    input_tokens IS NOT NULL OR output_tokens IS NOT NULL OR total_tokens IS NOT NULL OR (status_code <> 2 AND error_type IS NULL)
  )),
  dialect TEXT,                           -- the dialect that recognised it
  request_parameters TEXT,                -- JSON object; NULL: attributes of the span hold them
  system_instructions TEXT,               -- JSON array of parts. In these three, an empty text means that an
  prompt TEXT,                            -- attribute of the span holds the JSON, and NULL means no content
  completion TEXT,                        -- JSON array of messages
  duration_ms REAL                        -- reported by an event or log record
) STRICT;
-- The call of a span, of each of its events.
CREATE UNIQUE INDEX _llm_interactions_span ON _llm_interactions (span, ifnull(event, 0));
-- The call of an event.
CREATE UNIQUE INDEX _llm_interactions_event ON _llm_interactions (event) WHERE event IS NOT NULL;
-- The call whose finish follows a start.
CREATE INDEX _llm_interactions_start_event ON _llm_interactions (start_event) WHERE start_event IS NOT NULL;
-- The calls of a trace or session; those that ran at a time.
CREATE INDEX _llm_interactions_trace_session ON _llm_interactions (trace_session, start_time_unix_nano);
-- The agents and workflows of a trace.
CREATE INDEX _llm_interactions_aggregate ON _llm_interactions (trace_session)
  WHERE is_aggregate = 1 AND is_hidden = 0;
-- The newest calls, and those of a range of time.
CREATE INDEX _llm_interactions_start_time ON _llm_interactions (start_time_unix_nano);
-- Other rows of the same response. The key begins with the time, so that new entries stay on a few pages of the index.
CREATE INDEX _llm_interactions_response_key ON _llm_interactions (response_key) WHERE response_key IS NOT NULL;
-- Other rows of the same call.
CREATE INDEX _llm_interactions_twin ON _llm_interactions (twin) WHERE twin IS NOT NULL;
-- The newest calls that failed.
CREATE INDEX _llm_interactions_failed ON _llm_interactions (start_time_unix_nano) WHERE has_failed = 1;
-- How many rows the view leaves out, and how many others do not count: row_counts.
CREATE INDEX _llm_interactions_uncounted ON _llm_interactions (is_hidden) WHERE counted = 0;

CREATE TABLE _tool_interactions (
  id INTEGER PRIMARY KEY,
  trace_session INTEGER NOT NULL REFERENCES _trace_sessions,
  trace INTEGER NOT NULL,                 -- the trace of trace_session
  span INTEGER REFERENCES _spans,         -- with is_request: the span of the model call that requested it
  event INTEGER REFERENCES _events,       -- as in _llm_interactions
  start_event INTEGER REFERENCES _events, -- with is_request: the record of the model call that requested it
  resource INTEGER NOT NULL,              -- an id of _resources
  start_time_unix_nano INTEGER NOT NULL,
  end_time_unix_nano INTEGER NOT NULL,
  status_code INTEGER NOT NULL,           -- as in _spans
  is_interrupted INTEGER NOT NULL DEFAULT 0, -- 1: its process ended first
  is_request INTEGER NOT NULL DEFAULT 0,  -- 1: only the answer of a model has it
  has_finish INTEGER NOT NULL DEFAULT 0,  -- 1: a start whose finish shows both; a log record that repeats an event
  merged_into INTEGER,                    -- the row that shows this telling of the same execution; 0: none does
  is_hidden INTEGER NOT NULL AS (has_finish = 1 OR merged_into IS NOT NULL),
  is_stale INTEGER NOT NULL DEFAULT 0,    -- 1: a trigger or a move has changed it; the writer groups it again
  counted INTEGER NOT NULL DEFAULT 0,     -- 1: it is shown, and the tool ran
  has_failed INTEGER NOT NULL AS (is_interrupted = 0 AND (status_code = 2 OR (is_request = 0 AND error_type IS NOT NULL))),
  own_facts TEXT,                         -- JSON object: its own values of the columns that hold those of other tellings
  call_key INTEGER,                       -- time and tool_call_id: genai/tools/tool_tellings.py
  asked_key INTEGER,                      -- with is_request, without tool_call_id: time, and what it asks for
  tool_name TEXT,
  tool_call_id TEXT,
  tool_type TEXT,
  user_id TEXT,
  agent_name TEXT,
  error_type TEXT,
  dialect TEXT,                           -- the dialect that recognised it
  arguments TEXT,                         -- JSON, or text; NULL, here and below: it is in the attributes
  result TEXT,
  duration_ms REAL,                       -- reported by an event or log record
  waiting_ms REAL                         -- how long it waited for a user
) STRICT;
-- The executions and requests of a span.
CREATE INDEX _tool_interactions_span ON _tool_interactions (span);
-- The execution of an event.
CREATE UNIQUE INDEX _tool_interactions_event ON _tool_interactions (event) WHERE event IS NOT NULL;
-- The execution whose finish follows a start; the requests of a record.
CREATE INDEX _tool_interactions_start_event ON _tool_interactions (start_event) WHERE start_event IS NOT NULL;
-- The executions of a trace or session.
CREATE INDEX _tool_interactions_trace_session ON _tool_interactions (trace_session);
-- The rows of a call id, near in time and in all traces.
CREATE INDEX _tool_interactions_call ON _tool_interactions (call_key) WHERE call_key IS NOT NULL;
-- The requests without a call id, near in time and in all traces.
CREATE INDEX _tool_interactions_asked ON _tool_interactions (asked_key) WHERE asked_key IS NOT NULL;
-- The rows of a tool in a trace.
CREATE INDEX _tool_interactions_name ON _tool_interactions (trace, tool_name, call_key);
-- The other tellings of an execution.
CREATE INDEX _tool_interactions_merged ON _tool_interactions (merged_into) WHERE merged_into IS NOT NULL;
-- The rows to group again.
CREATE INDEX _tool_interactions_stale ON _tool_interactions (is_stale) WHERE is_stale = 1;
-- The newest executions, and those of a range of time.
CREATE INDEX _tool_interactions_start_time ON _tool_interactions (start_time_unix_nano);
-- The newest executions that failed.
CREATE INDEX _tool_interactions_failed ON _tool_interactions (start_time_unix_nano) WHERE has_failed = 1;
-- How many rows the view leaves out, and how many others do not count: row_counts.
CREATE INDEX _tool_interactions_uncounted ON _tool_interactions (is_hidden) WHERE counted = 0;

-- Results of tools, from the prompts of later model calls.
CREATE TABLE _tool_results (
  id INTEGER PRIMARY KEY,
  span INTEGER NOT NULL REFERENCES _spans, -- of the model call whose prompt holds it
  trace INTEGER NOT NULL,                 -- an id of _traces
  call_key INTEGER,                       -- as in _tool_interactions
  asked_key INTEGER,                      -- as in _tool_interactions, of the call in the prompt
  tool_call_id TEXT,                      -- NULL: the prompt has none
  time_unix_nano INTEGER NOT NULL,        -- start of that span; any other time: a log record of the span holds the result
  result TEXT,                            -- JSON, or text
  is_error INTEGER NOT NULL               -- 1: the prompt says that the tool failed
) STRICT;
-- The result of a call.
CREATE INDEX _tool_results_call ON _tool_results (call_key) WHERE call_key IS NOT NULL;
-- The result of a call without an id.
CREATE INDEX _tool_results_asked ON _tool_results (asked_key) WHERE asked_key IS NOT NULL;
-- The results in the prompt of a span.
CREATE INDEX _tool_results_span ON _tool_results (span);
