CREATE VIEW _enclosing_prompts AS
-- One row for each call that is a span, with the row of the nearest agent or workflow above it that recorded a prompt, if
-- the call failed and recorded no prompt of its own. NULL: none did. No condition is on one table: in a large file,
-- SQLite would read all of it to make a Bloom filter. Private.
SELECT
  c.id,
  CASE WHEN c.has_failed = 1 AND c.is_aggregate = 0 AND c.operation IS NOT 'embeddings'
    AND (SELECT m.prompt FROM _call_messages AS m WHERE m.id = c.id) IS NULL
    AND (SELECT m.prompt FROM _call_messages AS m WHERE m.id = c.content_of) IS NULL
  THEN (
    WITH RECURSIVE up (trace, parent_span_id, id, depth) AS (
      SELECT s.trace, s.parent_span_id, NULL, 0
      UNION ALL
      SELECT q.trace, q.parent_span_id, q.id, up.depth + 1
      FROM up CROSS JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.parent_span_id
      WHERE up.depth < 1000
    )
    SELECT i.id
    FROM up CROSS JOIN _llm_interactions AS i ON i.span = up.id
    WHERE iif(i.is_aggregate = 1 AND i.prompt IS NOT NULL, up.depth, 0) > 0
    ORDER BY up.depth
    LIMIT 1
  ) END AS agent
FROM _llm_interactions AS c
JOIN _spans AS s ON s.id = c.span;
