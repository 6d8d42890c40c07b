CREATE VIEW _named_conversations AS
-- One row a span, with the conversation that it names itself. A number in thread.id is a thread of the operating system.
-- Private.
SELECT
  s.id AS span,
  (
    SELECT found.id
    FROM (
      SELECT j.key AS name, CAST(iif(
        j.value GLOB '{*',
        iif(json_valid(j.value), coalesce(j.value ->> '$.conversation_id', j.value ->> '$.thread_id', j.value ->> '$.threadId'), NULL),
        j.value
      ) AS TEXT) AS id
      FROM json_each(iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id))) AS j
      WHERE (instr(s.attributes, 'conversation') OR instr(s.attributes, 'thread_id') OR instr(s.attributes, 'threadId') OR instr(s.attributes, '"thread.id":"'))
        AND j.type IN ('text', 'integer', 'real', 'object')
        AND (j.key, j.value GLOB '{*') IN (SELECT c.name, c.is_json FROM _conversation_sources AS c)
      LIMIT -1
    ) AS found
    WHERE trim(found.id) NOT IN ('', 'null', 'None', 'undefined') AND instr(found.id, '[redacted]') = 0
      AND (found.name <> 'thread.id' OR found.id GLOB '*[^0-9]*')
    ORDER BY (SELECT c.rank FROM _conversation_sources AS c WHERE c.name = found.name)
    LIMIT 1
  ) AS conversation_id
FROM _spans AS s;
