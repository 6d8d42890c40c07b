-- Removes those of some agents that have no calls. :agents is an array of ids of _agents.
DELETE FROM _agent_sessions
WHERE id IN (
  SELECT x.id
  FROM json_each(:agents) AS w
  CROSS JOIN _agents AS a ON a.id = w.value
  CROSS JOIN _agent_sessions AS x ON x.agent = a.id
  WHERE iif(a.rows = 0, x.id, 0) > 0
);
DELETE FROM _agents
WHERE id IN (SELECT a.id FROM json_each(:agents) AS w CROSS JOIN _agents AS a ON a.id = w.value WHERE a.rows = 0);
