-- Links tool calls from log records with their span and the call in it, and removes the results from log records of
-- these spans. :spans is [[trace, span id], ...].
UPDATE _tool_interactions
SET is_stale = 1, (span, user_id, agent_name, dialect) = (
  SELECT s.id, c.user_id, c.agent_name, c.dialect
  FROM _events AS e
  CROSS JOIN _logs AS l ON l.id = e.log
  CROSS JOIN _spans AS s ON s.id = (
    SELECT iif(max(2 * (z.resource = l.resource) + (z.kind IN (1, 4))) >= 0, z.id, NULL)
    FROM _spans AS z WHERE z.trace = l.trace AND z.span_id = l.span_id
  )
  LEFT JOIN _llm_interactions AS c ON c.span = s.id AND c.event IS NULL
  WHERE e.id = _tool_interactions.start_event
)
WHERE id IN (
  SELECT i.id
  FROM json_each(:spans) AS w
  CROSS JOIN _spans AS s ON s.trace = w.value ->> 0 AND s.span_id = w.value ->> 1
  CROSS JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id
  CROSS JOIN _events AS e ON e.log = l.id
  CROSS JOIN _tool_interactions AS i ON i.start_event = e.id AND i.is_request = 1
);
DELETE FROM _tool_results
WHERE id IN (
  SELECT r.id
  FROM json_each(:spans) AS w
  CROSS JOIN _spans AS s ON s.trace = w.value ->> 0 AND s.span_id = w.value ->> 1
  CROSS JOIN _tool_results AS r ON r.span = s.id AND r.time_unix_nano <> s.start_time_unix_nano
);
