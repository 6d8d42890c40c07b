-- The calls of other spans that name the same response as a call of these spans, and began within ten minutes of it, as a
-- JSON array of ids of _llm_interactions. :spans is an array of ids of _spans.
SELECT json_group_array(DISTINCT o.id)
FROM json_each(:spans) AS w
JOIN _llm_interactions AS i ON i.span = w.value AND i.response_id IS NOT NULL
JOIN _llm_interactions AS o ON o.response_id = i.response_id
  AND o.start_time_unix_nano BETWEEN i.start_time_unix_nano - 600000000000 AND i.start_time_unix_nano + 600000000000
WHERE o.span IS NOT i.span;
