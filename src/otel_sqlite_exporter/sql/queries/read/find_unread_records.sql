-- Spans, log events and events of spans that no call and no tool execution was read from, and whose attributes have a
-- word of these.
-- Plan: one pass over all spans, one over their events, and one over the log records with an event name; their calls by
-- index.
SELECT u.source, u.service_name, u.scope_name, u.name, u.event_name, u.trace_id, u.span_id, u.id, u.attributes
FROM (
  SELECT
    'span' AS source, r.service_name, c.name AS scope_name, s.name, NULL AS event_name, t.trace_id, s.span_id, s.id,
    iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes
  FROM _spans AS s
  CROSS JOIN _traces AS t ON t.id = s.trace
  LEFT JOIN _resources AS r ON r.id = s.resource
  LEFT JOIN _scopes AS c ON c.id = s.scope
  WHERE s.start_time_unix_nano >= :since AND s.start_time_unix_nano < :until
    AND NOT EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.span = s.id AND ifnull(i.event, 0) = 0)
    AND NOT EXISTS (SELECT 1 FROM _tool_interactions AS i WHERE i.span = s.id)
  UNION ALL
  SELECT
    'log', r.service_name, c.name, l.event_name, l.event_name, t.trace_id, l.span_id, l.id, l.attributes
  FROM _logs AS l
  CROSS JOIN _traces AS t ON t.id = l.trace
  LEFT JOIN _resources AS r ON r.id = l.resource
  LEFT JOIN _scopes AS c ON c.id = l.scope
  WHERE l.event_name IS NOT NULL AND l.time_unix_nano >= :since AND l.time_unix_nano < :until
  UNION ALL
  SELECT
    'event', r.service_name, c.name, e.name, e.name, t.trace_id, s.span_id, e.id, e.attributes
  FROM _events AS e
  CROSS JOIN _spans AS s ON s.id = e.span
  CROSS JOIN _traces AS t ON t.id = s.trace
  LEFT JOIN _resources AS r ON r.id = s.resource
  LEFT JOIN _scopes AS c ON c.id = s.scope
  WHERE e.source = 1 AND e.time_unix_nano >= :since AND e.time_unix_nano < :until
    AND NOT EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.span = e.span)
    AND NOT EXISTS (SELECT 1 FROM _tool_interactions AS i WHERE i.span = e.span)
) AS u
WHERE instr(u.attributes, 'oken') OR instr(u.attributes, 'odel') OR instr(u.attributes, 'rompt')
  OR instr(u.attributes, 'essages') OR instr(u.attributes, 'ompletion') OR instr(u.attributes, 'tool')
  OR instr(u.attributes, 'Tool') OR instr(u.attributes, 'unction') OR instr(u.attributes, 'usage')
  OR instr(u.attributes, 'TOKEN') OR instr(u.attributes, 'MODEL') OR instr(u.attributes, 'PROMPT')
  OR instr(u.attributes, 'TOOL') OR instr(u.attributes, 'ngine') OR instr(u.attributes, 'nswer')
  OR instr(u.attributes, 'llm');
