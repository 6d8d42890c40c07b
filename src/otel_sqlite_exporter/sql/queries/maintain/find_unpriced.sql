-- The next calls to be priced, as a JSON array of their ids: those without a status, with :everything also those that were
-- priced before. Neither those that report their cost, nor those that run.
SELECT json_group_array(u.id)
FROM (
  SELECT i.id
  FROM _llm_interactions AS i
  WHERE i.id > :after
    AND i.is_hidden = 0
    AND i.cost_status IS NOT 'reported'
    AND (:everything OR i.cost_status IS NULL)
    AND NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = i.span)
  ORDER BY i.id
  LIMIT :limit
) AS u;
