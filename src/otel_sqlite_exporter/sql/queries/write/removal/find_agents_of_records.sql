-- The agents of the calls that some records hold, one row for each agent and way to describe it: [agent, first start and last
-- end of these calls, agent id and version in the attributes of the record as JSON, attributes of the resource; then as the
-- file has it: name in the resource, agent id, version, first seen, last seen]. :spans and :logs are arrays of ids of _spans and
-- _logs.
SELECT
  a.id, min(c.start_time_unix_nano), max(c.end_time_unix_nano), c.agent_id, c.version, r.attributes,
  a.resource_agent_name, a.agent_id, a.version, a.first_seen_unix_nano, a.last_seen_unix_nano
FROM (
  SELECT
    i.resource, ifnull(i.agent_name, '') AS agent_name,
    iif(i.event IS NULL, i.start_time_unix_nano, i.end_time_unix_nano) AS start_time_unix_nano, i.end_time_unix_nano,
    iif(s.attributes GLOB '*"gen_ai.agent.id"*', iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) -> '$."gen_ai.agent.id"', NULL) AS agent_id,
    iif(s.attributes GLOB '*"gen_ai.agent.version"*', iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) -> '$."gen_ai.agent.version"', NULL) AS version
  FROM json_each(:spans) AS w
  CROSS JOIN _llm_interactions AS i ON i.span = w.value
  CROSS JOIN _spans AS s ON s.id = i.span
  UNION ALL
  SELECT
    i.resource, ifnull(i.agent_name, ''), i.end_time_unix_nano, i.end_time_unix_nano,
    l.attributes -> '$."gen_ai.agent.id"', l.attributes -> '$."gen_ai.agent.version"'
  FROM json_each(:logs) AS w
  CROSS JOIN _logs AS l ON l.id = w.value
  CROSS JOIN _events AS e ON e.log = l.id
  CROSS JOIN _llm_interactions AS i ON i.event = e.id
) AS c
CROSS JOIN _resources AS r ON r.id = c.resource
CROSS JOIN _agents AS a ON a.service_name = r.service_name AND a.agent_name = c.agent_name
GROUP BY a.id, c.resource, c.agent_id, c.version;
