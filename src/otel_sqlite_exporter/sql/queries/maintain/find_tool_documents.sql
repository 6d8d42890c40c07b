SELECT i.id, i.end_time_unix_nano, v.arguments, v.result
FROM _tool_interactions AS i
JOIN complete_tool_interactions AS v ON v.id = i.id
WHERE i.id > :after
ORDER BY i.id
LIMIT :limit;
