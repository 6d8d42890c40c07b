-- What all calls of some agents tell of them, one row for each agent and way to describe it: [agent, first start, last end,
-- agent id and version in the attributes of the record as JSON, attributes of the resource]. :agents is an array of ids of
-- _agents. Goes through all calls of the file.
SELECT
  c.agent, min(c.start_time_unix_nano), max(c.end_time_unix_nano), c.agent_id, c.version,
  (SELECT r.attributes FROM _resources AS r WHERE r.id = c.resource)
FROM (
  SELECT
    a.id AS agent, i.resource,
    iif(i.event IS NULL, i.start_time_unix_nano, i.end_time_unix_nano) AS start_time_unix_nano,
    iif(i.is_interrupted, i.start_time_unix_nano, i.end_time_unix_nano) AS end_time_unix_nano,
    iif(instr(coalesce(s.attributes, l.attributes), '"gen_ai.agent.id"'), coalesce(s.attributes, l.attributes) -> '$."gen_ai.agent.id"', NULL) AS agent_id,
    iif(instr(coalesce(s.attributes, l.attributes), '"gen_ai.agent.version"'), coalesce(s.attributes, l.attributes) -> '$."gen_ai.agent.version"', NULL) AS version
  FROM _llm_interactions AS i
  CROSS JOIN _resources AS r ON r.id = i.resource
  CROSS JOIN _agents AS a ON a.service_name = r.service_name AND a.agent_name = ifnull(i.agent_name, '')
  LEFT JOIN _spans AS s ON s.id = i.span
  LEFT JOIN _events AS e ON e.id = i.event
  LEFT JOIN _logs AS l ON l.id = e.log
  WHERE iif(a.id IN (SELECT value FROM json_each(:agents)), i.id, 0) > 0
) AS c
GROUP BY c.agent, c.resource, c.agent_id, c.version;
