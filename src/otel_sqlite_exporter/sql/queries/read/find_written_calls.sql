-- The calls of models and of tools that these spans and events record. Parameters: spans and events, JSON arrays of ids.
-- Plan: by the indexes of spans and events.
SELECT 'llm', i.id FROM json_each(:spans) AS k CROSS JOIN _llm_interactions AS i ON i.span = k.value
UNION
SELECT 'llm', i.id FROM json_each(:events) AS k CROSS JOIN _llm_interactions AS i ON i.event = k.value
UNION
SELECT 'tool', i.id FROM json_each(:spans) AS k CROSS JOIN _tool_interactions AS i ON i.span = k.value
UNION
SELECT 'tool', i.id FROM json_each(:events) AS k CROSS JOIN _tool_interactions AS i ON i.event = k.value;
