SELECT i.id, i.end_time_unix_nano, v.prompt, v.completion
FROM _llm_interactions AS i
JOIN complete_llm_interactions AS v ON v.id = i.id
WHERE i.id > :after
ORDER BY i.id
LIMIT :limit;
