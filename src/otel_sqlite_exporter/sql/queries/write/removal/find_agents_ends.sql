-- The first and the newest call of agents that lost calls, where these are among the first and the last :window calls of the
-- file: rows of [agent, start of its first call or null, agent id and version as JSON in the attributes of the record of its
-- newest call, attributes of its resource or null]. :agents is an array of ids of _agents.
-- The time of an event's call is its end, which may be after the start of others. So all that start before it are looked at.
WITH
  near AS MATERIALIZED (
    SELECT
      a.id, a.service_name, a.agent_name,
      (
        SELECT iif(q.event IS NULL, q.start_time_unix_nano, q.end_time_unix_nano)
        FROM (
          SELECT i.start_time_unix_nano, i.end_time_unix_nano, i.event, i.resource, i.agent_name
          FROM _llm_interactions AS i
          ORDER BY i.start_time_unix_nano
          LIMIT :window
        ) AS q
        CROSS JOIN _resources AS r ON r.id = q.resource
        WHERE ifnull(q.agent_name, '') = a.agent_name AND r.service_name = a.service_name
        LIMIT 1
      ) AS first_unix_nano,
      (
        SELECT q.id
        FROM (
          SELECT i.id, i.resource, i.agent_name
          FROM _llm_interactions AS i
          ORDER BY i.start_time_unix_nano DESC
          LIMIT :window
        ) AS q
        CROSS JOIN _resources AS r ON r.id = q.resource
        WHERE ifnull(q.agent_name, '') = a.agent_name AND r.service_name = a.service_name
        LIMIT 1
      ) AS newest
    FROM json_each(:agents) AS w
    CROSS JOIN _agents AS a ON a.id = w.value
  )
SELECT
  n.id,
  iif(
    EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.start_time_unix_nano <= n.first_unix_nano LIMIT 1 OFFSET :window),
    NULL,
    (
      SELECT min(iif(i.event IS NULL, i.start_time_unix_nano, i.end_time_unix_nano))
      FROM _llm_interactions AS i
      CROSS JOIN _resources AS r ON r.id = i.resource
      WHERE i.start_time_unix_nano <= n.first_unix_nano
        AND ifnull(i.agent_name, '') = n.agent_name AND r.service_name = n.service_name
    )
  ),
  coalesce(iif(s.attributes GLOB '*"gen_ai.agent.id"*', iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) -> '$."gen_ai.agent.id"', NULL), l.attributes -> '$."gen_ai.agent.id"'),
  coalesce(iif(s.attributes GLOB '*"gen_ai.agent.version"*', iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) -> '$."gen_ai.agent.version"', NULL), l.attributes -> '$."gen_ai.agent.version"'),
  (SELECT r.attributes FROM _resources AS r WHERE r.id = i.resource)
FROM near AS n
LEFT JOIN _llm_interactions AS i ON i.id = n.newest
LEFT JOIN _spans AS s ON s.id = i.span
LEFT JOIN _events AS e ON e.id = i.event
LEFT JOIN _logs AS l ON l.id = e.log;
