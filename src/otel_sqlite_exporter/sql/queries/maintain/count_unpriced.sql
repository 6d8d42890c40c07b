-- How many calls there are to be priced; as in find_unpriced.sql.
SELECT count(*)
FROM _llm_interactions AS i
WHERE i.is_hidden = 0 AND i.cost_status IS NOT 'reported' AND (:everything OR i.cost_status IS NULL);
