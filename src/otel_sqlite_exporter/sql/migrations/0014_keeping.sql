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
