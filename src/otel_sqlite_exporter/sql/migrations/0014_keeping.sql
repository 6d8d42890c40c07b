-- quick
-- What is kept, and what was deleted: pins and notes, sums of rows that are gone, and the ledger of deletions.

-- Pins and notes. A row tells what was said last of one session or trace, by its time, so that files can be merged in any
-- order. The view marks shows those that are set.
CREATE TABLE _marks (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,                  -- 0 pin, 1 note
  session_id TEXT NOT NULL,               -- empty: it is of a trace
  trace_id TEXT NOT NULL,                 -- empty: it is of a session
  is_set INTEGER NOT NULL,                -- 0: it was taken away
  text TEXT NOT NULL,                     -- the label of a pin, which may be empty, or the note
  time_unix_nano INTEGER NOT NULL,        -- when it was said
  UNIQUE (session_id, trace_id, kind)
) STRICT;

-- The usage of model calls that `prune` and retention removed, by day (UTC) of their start. The view usage shows it beside
-- that of the calls in the file. NULL, in the columns of names: the calls name none. A row is what the sums of the file
-- lost: it is negative where the removal of one record of a call made another record of it count, until that goes too.
CREATE TABLE _kept_usage (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,                   -- the file that removed them: its name in _state under 'file'
  day INTEGER NOT NULL,                   -- days since 1970-01-01
  service_name TEXT NOT NULL,
  provider TEXT,
  operation TEXT,
  request_model TEXT,
  response_model TEXT,
  agent_name TEXT,
  user_id TEXT,                           -- NULL also where users are not kept
  is_aggregate INTEGER NOT NULL,          -- 1: agents and workflows whose usage no call repeats
  calls INTEGER NOT NULL,                 -- counted rows
  failed_calls INTEGER NOT NULL,          -- of these, those with has_failed
  reported INTEGER NOT NULL,              -- of these, those with usage
  input_high INTEGER,                     -- sums, of the upper and the lower 32 bits of their tokens, as in _agents;
  input_low INTEGER,                      -- NULL: no call reports tokens of this kind
  output_high INTEGER,
  output_low INTEGER,
  total_high INTEGER,
  total_low INTEGER,
  cached_input_high INTEGER,
  cached_input_low INTEGER,
  cache_creation_input_high INTEGER,
  cache_creation_input_low INTEGER,
  reasoning_high INTEGER,
  reasoning_low INTEGER,
  priced INTEGER NOT NULL,                -- calls with a known cost
  priced_total_high INTEGER,              -- the total tokens of these
  priced_total_low INTEGER,
  unpriced_calls INTEGER NOT NULL,        -- calls whose cost is not known, or only a part
  cost_usd REAL                           -- a sum of doubles; NULL: no call has a known cost
) STRICT;
-- The sums of a day, by what their calls name.
CREATE UNIQUE INDEX _kept_usage_key ON _kept_usage (source, day, service_name, ifnull(provider, ''),
  ifnull(operation, ''), ifnull(request_model, ''), ifnull(response_model, ''), ifnull(agent_name, ''), ifnull(user_id, ''),
  is_aggregate);

-- The ledger: one row for each run of `delete` and `prune`, and for each day on which the exporter removed what the
-- settings say. It names no session, user or text. The view deletions shows it.
CREATE TABLE _deletions (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE,
  command TEXT NOT NULL,                  -- delete, prune or retention
  rule TEXT NOT NULL,                     -- JSON: the options that chose; names of users and others are left out
  start_time_unix_nano INTEGER NOT NULL,
  end_time_unix_nano INTEGER NOT NULL,    -- of its last step so far
  is_complete INTEGER NOT NULL,           -- 0: it runs, or was stopped
  sessions INTEGER NOT NULL,              -- of which it removed everything
  traces INTEGER NOT NULL,
  spans INTEGER NOT NULL,
  logs INTEGER NOT NULL,
  events INTEGER NOT NULL,
  calls INTEGER NOT NULL,                 -- rows of calls, and of tools
  tools INTEGER NOT NULL,
  others INTEGER NOT NULL                 -- quarantined records and kept sums
) STRICT;

-- What runs of `delete` are still to remove: what was chosen before the first record went, as the rest of a session or
-- trace does not tell any more what was. Empty but for a run that goes on, or was stopped and is completed by the next.
CREATE TABLE _deletion_records (
  id INTEGER PRIMARY KEY,                 -- in the order in which they go
  deletion INTEGER NOT NULL,              -- an id of _deletions
  is_log INTEGER NOT NULL,                -- 1: of _logs, else of _spans
  record INTEGER NOT NULL,                -- an id there
  time_unix_nano INTEGER NOT NULL         -- start of the span, time of the log record: a later one may have its id
) STRICT;
CREATE TABLE _deletion_names (
  id INTEGER PRIMARY KEY,
  deletion INTEGER NOT NULL,              -- an id of _deletions
  kind INTEGER NOT NULL,                  -- 0 the rule (JSON); 1 a session, 2 a trace of which all records go; 3 a span id
                                          -- by which is proved that nothing is left; 4 there was a search index
  name TEXT NOT NULL
) STRICT;

-- The rows that refer to a session that is removed. Without them SQLite goes through the whole table.
CREATE INDEX _trace_sessions_own ON _trace_sessions (own_session) WHERE own_session IS NOT NULL;
CREATE INDEX _agent_sessions_session ON _agent_sessions (session);
-- The traces without a session, those that ended first at the front.
CREATE INDEX _traces_alone ON _traces (end_time_unix_nano) WHERE session IS NULL;

-- Which spans may name a text, so that it goes with them: those that name this session (a key of _sessions), or those of this
-- trace (the negative of a key of _traces) that name none. NULL: it is of messages, or was written before this version.
ALTER TABLE _texts ADD COLUMN conversation INTEGER;
CREATE INDEX _texts_conversation ON _texts (conversation) WHERE conversation IS NOT NULL;
-- The messages that hold a text.
CREATE INDEX _messages_prompt ON _messages (prompt) WHERE prompt > 0;
CREATE INDEX _messages_completion ON _messages (completion) WHERE completion > 0;
CREATE INDEX _messages_system_instructions ON _messages (system_instructions) WHERE system_instructions > 0;

-- The name of this file wherever it is merged. It says nothing of the host.
INSERT INTO _state (name, value) VALUES ('file', lower(hex(randomblob(16))));

-- Scores: what records of gen_ai.evaluation.result say, one row each. The view scores shows them.
CREATE TABLE _scores (
  event INTEGER PRIMARY KEY REFERENCES _events ON DELETE CASCADE,
  trace_session INTEGER NOT NULL,         -- that of the event
  time_unix_nano INTEGER NOT NULL,        -- that of the event
  name TEXT,                              -- gen_ai.evaluation.name; NULL: there is none
  value REAL,                             -- NULL: it is no finite number
  label TEXT,
  explanation TEXT,
  response_id TEXT,                       -- gen_ai.response.id of the answer that it judges
  error_type TEXT                         -- why it could not be judged
) STRICT;
-- The newest scores.
CREATE INDEX _scores_time ON _scores (time_unix_nano);
-- The scores of a trace or session.
CREATE INDEX _scores_trace_session ON _scores (trace_session);
-- The scores of an answer.
CREATE INDEX _scores_response ON _scores (response_id) WHERE response_id IS NOT NULL;

-- A score may come days after what it judges. So it gives a trace or a session no time, unless these have nothing else.
-- Of logs, those that are scores.
ALTER TABLE _trace_sessions ADD COLUMN score_logs INTEGER NOT NULL DEFAULT 0;
-- 1: its times are those of scores.
ALTER TABLE _sessions ADD COLUMN only_scores INTEGER NOT NULL DEFAULT 0;
