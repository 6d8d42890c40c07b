-- Notes what describes agents, and removes those without calls. :agents is [[id of _agents, name in the resource, agent id,
-- version, first seen, last seen], ...]; :lost is an array of the agents that lost calls.
UPDATE _agents
SET
  resource_agent_name = w.value ->> 1, agent_id = w.value ->> 2, version = w.value ->> 3,
  first_seen_unix_nano = w.value ->> 4, last_seen_unix_nano = w.value ->> 5
FROM json_each(:agents) AS w
WHERE _agents.id = w.value ->> 0;
DELETE FROM _agent_sessions
WHERE agent IN (SELECT a.id FROM json_each(:lost) AS w CROSS JOIN _agents AS a ON a.id = w.value WHERE a.rows = 0);
DELETE FROM _agents WHERE id IN (SELECT value FROM json_each(:lost)) AND rows = 0;
