-- What the calls of some agents tell of them, one row for each agent and way to describe it: [agent, first start, last end,
-- agent id and version in the attributes of the record as JSON, attributes of the resource]. :agents is an array of ids of
-- _agents.
SELECT
  c.agent, min(c.start_time_unix_nano), max(c.end_time_unix_nano), c.agent_id, c.version,
  (SELECT r.attributes FROM _resources AS r WHERE r.id = c.resource)
FROM (
  SELECT
    g.agent, g.resource, g.start_time_unix_nano, g.end_time_unix_nano,
    g.attributes -> '$."gen_ai.agent.id"' AS agent_id, g.attributes -> '$."gen_ai.agent.version"' AS version
  FROM (
    SELECT
      a.id AS agent, i.resource,
      iif(i.event IS NULL, i.start_time_unix_nano, i.end_time_unix_nano) AS start_time_unix_nano,
      iif(i.is_interrupted, i.start_time_unix_nano, i.end_time_unix_nano) AS end_time_unix_nano,
      coalesce(
        iif(s.texts IS NULL, s.attributes, (SELECT k.attributes FROM _whole_attributes AS k WHERE k.span = s.id)),
        l.attributes
      ) AS attributes
    FROM json_each(:agents) AS w
    CROSS JOIN _agents AS a ON a.id = w.value
    CROSS JOIN _resources AS r ON r.service_name = a.service_name
    CROSS JOIN _llm_interactions AS i ON i.resource = r.id AND ifnull(i.agent_name, '') = a.agent_name
    LEFT JOIN _spans AS s ON s.id = i.span
    LEFT JOIN _events AS e ON e.id = i.event
    LEFT JOIN _logs AS l ON l.id = e.log
  ) AS g
) AS c
GROUP BY c.agent, c.resource, c.agent_id, c.version;
