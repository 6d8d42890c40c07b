-- Agents, with sums over their calls. The writer adds the calls of a batch; triggers follow later changes of calls.

CREATE TABLE _agents (
  id INTEGER PRIMARY KEY,
  service_name TEXT NOT NULL,
  agent_name TEXT NOT NULL,               -- empty: its calls name no agent
  resource_agent_name TEXT,               -- the name in the resource
  agent_id TEXT,
  version TEXT,
  first_seen_unix_nano INTEGER NOT NULL,  -- start of its first call
  last_seen_unix_nano INTEGER NOT NULL,   -- end of its last call
  rows INTEGER NOT NULL,                  -- of _llm_interactions; 0: later versions of spans removed them
  calls INTEGER NOT NULL,                 -- counted calls; an agent that reports the usage of its calls does not count
  failed_calls INTEGER NOT NULL,          -- of calls, those with has_failed
  reports INTEGER NOT NULL,               -- counted rows with usage
  input_high INTEGER NOT NULL,            -- sums over counted rows, of the upper and the lower 32 bits of their tokens:
  input_low INTEGER NOT NULL,             -- no sum is too large, and each can be taken back
  output_high INTEGER NOT NULL,
  output_low INTEGER NOT NULL,
  total_high INTEGER NOT NULL,
  total_low INTEGER NOT NULL,
  UNIQUE (service_name, agent_name)
) STRICT;

CREATE TABLE _agent_sessions (
  id INTEGER PRIMARY KEY,
  agent INTEGER NOT NULL REFERENCES _agents,
  session INTEGER NOT NULL REFERENCES _sessions,
  calls INTEGER NOT NULL,                 -- of this agent in this session
  UNIQUE (agent, session)
) STRICT;
