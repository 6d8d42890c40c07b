CREATE VIEW _span_conversations AS
-- One row a span, with the conversation that it belongs to: the one that it names itself, else that of the nearest span
-- above. A number in thread.id is a thread of the operating system. Private.
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
    FROM (
      SELECT (
        SELECT found.id
        FROM (
          SELECT j.key AS name, CAST(iif(
            j.value GLOB '{*',
            iif(json_valid(j.value), coalesce(j.value ->> '$.conversation_id', j.value ->> '$.thread_id', j.value ->> '$.threadId'), NULL),
            j.value
          ) AS TEXT) AS id
          FROM _spans AS q
          CROSS JOIN json_each(iif(q.texts IS NULL, q.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = q.id))) AS j
          WHERE q.id = up.span
            AND (instr(q.attributes, 'conversation') OR instr(q.attributes, 'thread_id') OR instr(q.attributes, 'threadId') OR instr(q.attributes, '"thread.id":"'))
            AND j.type IN ('text', 'integer', 'real', 'object')
            AND (j.key, j.value GLOB '{*') IN (SELECT c.name, c.is_json FROM _conversation_sources AS c)
          LIMIT -1
        ) AS found
        WHERE trim(found.id) NOT IN ('', 'null', 'None', 'undefined') AND instr(found.id, '[redacted]') = 0
          AND (found.name <> 'thread.id' OR found.id GLOB '*[^0-9]*')
        ORDER BY (SELECT c.rank FROM _conversation_sources AS c WHERE c.name = found.name)
        LIMIT 1
      ) AS named
      FROM up
      LIMIT -1
    ) AS above
    WHERE above.named IS NOT NULL
    LIMIT 1
  ) AS conversation_id
FROM _spans AS s;
