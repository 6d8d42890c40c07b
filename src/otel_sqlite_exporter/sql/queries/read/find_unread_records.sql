-- Spans, log events and events of spans that no call and no tool execution was read from, and whose attributes have a
-- word of these.
-- Plan: one pass over all spans, one over their events, and one over the log records with an event name; their calls by
-- index.
SELECT
  'span' AS source, r.service_name, c.name AS scope_name, s.name, NULL AS event_name, t.trace_id, s.span_id, s.id,
  iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes
FROM _spans AS s
CROSS JOIN _traces AS t ON t.id = s.trace
LEFT JOIN _resources AS r ON r.id = s.resource
LEFT JOIN _scopes AS c ON c.id = s.scope
WHERE s.start_time_unix_nano >= :since AND s.start_time_unix_nano < :until
  AND (
    instr(s.attributes, 'oken') OR instr(s.attributes, 'odel') OR instr(s.attributes, 'rompt')
    OR instr(s.attributes, 'essages') OR instr(s.attributes, 'ompletion') OR instr(s.attributes, 'tool')
    OR instr(s.attributes, 'Tool') OR instr(s.attributes, 'unction') OR instr(s.attributes, 'usage')
    OR instr(s.attributes, 'TOKEN') OR instr(s.attributes, 'MODEL') OR instr(s.attributes, 'PROMPT')
    OR instr(s.attributes, 'TOOL') OR instr(s.attributes, 'ngine') OR instr(s.attributes, 'nswer')
    OR instr(s.attributes, 'llm')
  )
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
  AND (
    instr(l.attributes, 'oken') OR instr(l.attributes, 'odel') OR instr(l.attributes, 'rompt')
    OR instr(l.attributes, 'essages') OR instr(l.attributes, 'ompletion') OR instr(l.attributes, 'tool')
    OR instr(l.attributes, 'Tool') OR instr(l.attributes, 'unction') OR instr(l.attributes, 'usage')
    OR instr(l.attributes, 'TOKEN') OR instr(l.attributes, 'MODEL') OR instr(l.attributes, 'PROMPT')
    OR instr(l.attributes, 'TOOL') OR instr(l.attributes, 'ngine') OR instr(l.attributes, 'nswer')
    OR instr(l.attributes, 'llm')
  )
UNION ALL
SELECT
  'event', r.service_name, c.name, e.name, e.name, t.trace_id, s.span_id, e.id, e.attributes
FROM _events AS e
CROSS JOIN _spans AS s ON s.id = e.span
CROSS JOIN _traces AS t ON t.id = s.trace
LEFT JOIN _resources AS r ON r.id = s.resource
LEFT JOIN _scopes AS c ON c.id = s.scope
WHERE e.source = 1 AND e.time_unix_nano >= :since AND e.time_unix_nano < :until
  AND (
    instr(e.attributes, 'oken') OR instr(e.attributes, 'odel') OR instr(e.attributes, 'rompt')
    OR instr(e.attributes, 'essages') OR instr(e.attributes, 'ompletion') OR instr(e.attributes, 'tool')
    OR instr(e.attributes, 'Tool') OR instr(e.attributes, 'unction') OR instr(e.attributes, 'usage')
    OR instr(e.attributes, 'TOKEN') OR instr(e.attributes, 'MODEL') OR instr(e.attributes, 'PROMPT')
    OR instr(e.attributes, 'TOOL') OR instr(e.attributes, 'ngine') OR instr(e.attributes, 'nswer')
    OR instr(e.attributes, 'llm')
  )
  AND NOT EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.span = e.span)
  AND NOT EXISTS (SELECT 1 FROM _tool_interactions AS i WHERE i.span = e.span);
