-- How many counted calls with usage have neither a cost, nor a note that there is no price for them.
SELECT count(*)
FROM _llm_interactions AS i
WHERE i.counted = 1 AND i.has_usage = 1 AND i.cost_status IS NULL;
