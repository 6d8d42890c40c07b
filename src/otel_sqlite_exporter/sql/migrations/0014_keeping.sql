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
-- that of the calls in the file. NULL, in the columns of names: the calls name none.
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
  calls INTEGER NOT NULL,                 -- counted rows; agents and workflows that report usage are in reports alone
  failed_calls INTEGER NOT NULL,
  reports INTEGER NOT NULL,               -- counted rows with usage
  input_high INTEGER NOT NULL,            -- sums, of the upper and the lower 32 bits of their tokens, as in _agents
  input_low INTEGER NOT NULL,
  output_high INTEGER NOT NULL,
  output_low INTEGER NOT NULL,
  total_high INTEGER NOT NULL,
  total_low INTEGER NOT NULL,
  cached_input_high INTEGER NOT NULL,
  cached_input_low INTEGER NOT NULL,
  cache_creation_input_high INTEGER NOT NULL,
  cache_creation_input_low INTEGER NOT NULL,
  reasoning_high INTEGER NOT NULL,
  reasoning_low INTEGER NOT NULL,
  priced_calls INTEGER NOT NULL,
  unpriced_calls INTEGER NOT NULL,
  cost_usd REAL                           -- NULL: no call has a known cost
) STRICT;
-- The sums of a day, by what their calls name.
CREATE UNIQUE INDEX _kept_usage_key ON _kept_usage (
  source, day, service_name, ifnull(provider, ''), ifnull(operation, ''), ifnull(request_model, ''),
  ifnull(response_model, ''), ifnull(agent_name, ''), ifnull(user_id, '')
);

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

-- The rows that refer to a session that is removed. Without them SQLite goes through the whole table.
CREATE INDEX _trace_sessions_own ON _trace_sessions (own_session) WHERE own_session IS NOT NULL;
CREATE INDEX _agent_sessions_session ON _agent_sessions (session);

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
