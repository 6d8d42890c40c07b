-- The nearest call around a call that counts. Parameter: id. Plan: one parent after the other, up to 1,000.
WITH RECURSIVE above (trace, parent_span_id, id, depth) AS (
  SELECT s.trace, s.parent_span_id, NULL, 0
  FROM _llm_interactions AS i CROSS JOIN _spans AS s ON s.id = i.span
  WHERE i.id = :id
  UNION
  SELECT s.trace, s.parent_span_id, s.id, a.depth + 1
  FROM above AS a CROSS JOIN _spans AS s ON s.trace = a.trace AND s.span_id = a.parent_span_id
  WHERE a.depth < 1000
)
SELECT f.id
FROM (
  SELECT
    a.depth,
    (SELECT min(c.id) FROM _llm_interactions AS c WHERE c.span = a.id AND c.counted = 1 AND c.id <> :id) AS id
  FROM above AS a
) AS f
WHERE f.id IS NOT NULL
ORDER BY f.depth
LIMIT 1;
