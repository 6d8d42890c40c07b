CREATE VIEW _agent_names AS
-- One row a span, with the agent that it belongs to: the name in its own call, else in the nearest call above it. Private.
SELECT
  s.id AS span,
  (
    WITH RECURSIVE up (trace, span, parent_span_id, depth) AS (
      SELECT s.trace, s.id, s.parent_span_id, 0
      UNION
      SELECT up.trace, q.id, q.parent_span_id, up.depth + 1
      FROM up CROSS JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.parent_span_id
      WHERE up.depth < 1000
    )
    SELECT (SELECT a.agent_name FROM _llm_interactions AS a WHERE a.span = up.span AND ifnull(a.event, 0) = 0) AS named
    FROM up
    WHERE named IS NOT NULL
    LIMIT 1
  ) AS agent_name
FROM _spans AS s;
