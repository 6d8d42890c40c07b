-- Why a call counts or not. Parameter: id. twin is the row that counts for the same call, repeats a JSON array of the rows
-- that this one counts for, at most 20.
SELECT i.twin, i.is_repeat, (
  SELECT json_group_array(same.id)
  FROM (SELECT o.id FROM _llm_interactions AS o WHERE o.twin = i.id AND o.is_hidden = 0 ORDER BY o.id LIMIT 20) AS same
) AS repeats
FROM _llm_interactions AS i
WHERE i.id = :id;
