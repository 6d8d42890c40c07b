-- Notes what describes agents. :agents is [[id of _agents, name in the resource, agent id, version, first seen, last seen],
-- ...].
UPDATE _agents
SET
  resource_agent_name = w.value ->> 1, agent_id = w.value ->> 2, version = w.value ->> 3,
  first_seen_unix_nano = w.value ->> 4, last_seen_unix_nano = w.value ->> 5
FROM json_each(:agents) AS w
WHERE _agents.id = w.value ->> 0;
