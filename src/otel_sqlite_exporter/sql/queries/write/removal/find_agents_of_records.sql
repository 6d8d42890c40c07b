-- The agents of the calls that some records hold, as a JSON array of ids of _agents. :spans and :logs are arrays of ids of
-- _spans and _logs.
SELECT json_group_array(a.id)
FROM (
  SELECT i.resource, ifnull(i.agent_name, '') AS agent_name
  FROM json_each(:spans) AS w
  CROSS JOIN _llm_interactions AS i ON i.span = w.value
  UNION
  SELECT i.resource, ifnull(i.agent_name, '')
  FROM json_each(:logs) AS w
  CROSS JOIN _events AS e ON e.log = w.value
  CROSS JOIN _llm_interactions AS i ON i.event = e.id
) AS c
CROSS JOIN _resources AS r ON r.id = c.resource
CROSS JOIN _agents AS a ON a.service_name = r.service_name AND a.agent_name = c.agent_name;
