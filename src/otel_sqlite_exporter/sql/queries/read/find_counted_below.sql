-- The calls that count among the spans below that of a call, at most 50 of the nearest 10,000 spans. Parameter: id. Plan:
-- the spans below each span by index. UNION ends where spans are each other's parents.
WITH RECURSIVE below (id, trace, span_id) AS (
  SELECT s.id, s.trace, s.span_id
  FROM _llm_interactions AS i CROSS JOIN _spans AS s ON s.id = i.span
  WHERE i.id = :id
  UNION
  SELECT s.id, s.trace, s.span_id
  FROM below AS b CROSS JOIN _spans AS s ON s.trace = b.trace AND s.parent_span_id = b.span_id
  LIMIT 10000
)
SELECT c.id
FROM below AS b CROSS JOIN _llm_interactions AS c ON c.span = b.id
WHERE c.counted = 1 AND c.id <> :id
LIMIT 50;
