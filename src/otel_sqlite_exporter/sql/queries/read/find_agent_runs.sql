-- The spans above some spans, and these, each with whether it is a run of an agent. Parameter: spans, a JSON array of
-- [trace_id, span_id]. Plan: each span once, by the key of its trace and its id; so what calls share is read once.
WITH RECURSIVE up (trace, span, span_id, parent_span_id) AS (
  SELECT s.trace, s.id, s.span_id, s.parent_span_id
  FROM json_each(:spans) AS j
  CROSS JOIN _traces AS t ON t.trace_id = j.value ->> 0
  CROSS JOIN _spans AS s ON s.trace = t.id AND s.span_id = j.value ->> 1
  UNION
  SELECT q.trace, q.id, q.span_id, q.parent_span_id
  FROM up CROSS JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.parent_span_id
)
SELECT
  t.trace_id,
  up.span_id,
  up.parent_span_id,
  EXISTS (SELECT 1 FROM _llm_interactions AS a WHERE a.span = up.span AND ifnull(a.event, 0) = 0 AND a.is_aggregate = 1) AS is_run
FROM up
JOIN _traces AS t ON t.id = up.trace;
