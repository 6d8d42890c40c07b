-- The id of the row that shows the call or the tool that a row which a view leaves out was recorded as: a start has a
-- finish, and a telling of an execution has another. Parameters: view and id.
SELECT f.id
FROM _llm_interactions AS i
CROSS JOIN _llm_interactions AS f ON f.start_event = i.event
WHERE i.id = :id AND :view = 'complete_llm_interactions'
UNION ALL
SELECT coalesce(f.merged_into, f.id)
FROM _tool_interactions AS i
CROSS JOIN _tool_interactions AS f ON f.start_event = i.event
WHERE i.id = :id AND :view = 'complete_tool_interactions'
UNION ALL
SELECT i.merged_into
FROM _tool_interactions AS i
WHERE i.id = :id AND i.merged_into > 0 AND :view = 'complete_tool_interactions'
LIMIT 1;
