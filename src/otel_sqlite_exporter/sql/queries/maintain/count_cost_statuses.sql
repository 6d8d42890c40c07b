-- How many calls have each status of cost.
SELECT i.cost_status, count(*)
FROM _llm_interactions AS i
WHERE i.is_hidden = 0
GROUP BY i.cost_status;
