CREATE VIEW _span_conversations AS
-- One row a span, with the conversation that it belongs to: the one that it names itself, else that of the nearest span
-- above, up to 1,000 spans away (as in query/conversations/span_conversations.py, which finds those of a whole trace). Private.
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
    -- LIMIT -1 keeps SQLite from copying the expression, and lets it stop at the first name.
    SELECT above.named
    FROM (SELECT (SELECT n.conversation_id FROM _named_conversations AS n WHERE n.span = up.span) AS named FROM up LIMIT -1) AS above
    WHERE above.named IS NOT NULL
    LIMIT 1
  ) AS conversation_id
FROM _spans AS s;
