-- What all calls of some agents tell of them, one row for each agent and way to describe it: [agent, first start, last end,
-- agent id and version in the attributes of the record as JSON, attributes of the resource]. :agents is an array of ids of
-- _agents. Only calls after the id :call are read, and those of spans that ended after the id :record. With :call 0 it goes
-- through all calls of the file.
SELECT
  c.agent, min(c.start_time_unix_nano), max(c.end_time_unix_nano), c.agent_id, c.version,
  (SELECT r.attributes FROM _resources AS r WHERE r.id = c.resource)
FROM (
  SELECT
    a.id AS agent, i.resource,
    iif(i.event IS NULL, i.start_time_unix_nano, i.end_time_unix_nano) AS start_time_unix_nano,
    iif(i.is_interrupted, i.start_time_unix_nano, i.end_time_unix_nano) AS end_time_unix_nano,
    coalesce(iif(s.attributes GLOB '*"gen_ai.agent.id"*', iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) -> '$."gen_ai.agent.id"', NULL), l.attributes -> '$."gen_ai.agent.id"') AS agent_id,
    coalesce(iif(s.attributes GLOB '*"gen_ai.agent.version"*', iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) -> '$."gen_ai.agent.version"', NULL), l.attributes -> '$."gen_ai.agent.version"') AS version
  FROM (
    SELECT c.id FROM _llm_interactions AS c WHERE c.id > :call
    UNION ALL
    SELECT c.id
    FROM _spans AS e
    CROSS JOIN _llm_interactions AS c ON c.span = e.id
    WHERE e.finish_record > :record
  ) AS n
  CROSS JOIN _llm_interactions AS i ON i.id = n.id
  CROSS JOIN _resources AS r ON r.id = i.resource
  CROSS JOIN _agents AS a ON a.service_name = r.service_name AND a.agent_name = ifnull(i.agent_name, '')
  LEFT JOIN _spans AS s ON s.id = i.span
  LEFT JOIN _events AS e ON e.id = i.event
  LEFT JOIN _logs AS l ON l.id = e.log
  WHERE iif(a.id IN (SELECT value FROM json_each(:agents)), i.id, 0) > 0
) AS c
GROUP BY c.agent, c.resource, c.agent_id, c.version;
