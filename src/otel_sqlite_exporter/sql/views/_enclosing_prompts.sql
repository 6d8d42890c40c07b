CREATE VIEW _enclosing_prompts AS
-- One row a call, with the row of the nearest agent or workflow above it that recorded a prompt, if the call failed and
-- recorded no prompt of its own. NULL: none did. No condition is on one table: in a large file, SQLite would read all of
-- it to make a Bloom filter. Private.
SELECT
  c.id,
  CASE WHEN c.has_failed = 1 AND c.is_aggregate = 0 AND c.operation IS NOT 'embeddings' AND NOT EXISTS (
    SELECT 1
    FROM _llm_interactions AS o
    WHERE o.id IN (c.id, c.content_of) AND CASE
      WHEN o.prompt IS NOT NULL THEN 1
      WHEN o.event IS NOT NULL THEN EXISTS (SELECT 1 FROM _llm_interactions AS b WHERE b.event = o.start_event AND b.prompt IS NOT NULL)
      ELSE EXISTS (SELECT 1 FROM _span_records AS z CROSS JOIN _messages AS m ON m.event = z.event WHERE z.span = o.span AND m.prompt IS NOT NULL)
    END
  ) THEN (
    WITH RECURSIVE up (trace, parent_span_id, id, depth) AS (
      SELECT s.trace, s.parent_span_id, NULL, 0 FROM _spans AS s WHERE s.id = c.span
      UNION
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
FROM _llm_interactions AS c;
