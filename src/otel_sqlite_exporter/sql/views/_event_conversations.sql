CREATE VIEW _event_conversations AS
-- One row an event of a span or log record, with the conversation that it names itself. Private.
SELECT
  e.id AS event,
  (
    SELECT found.id
    FROM (
      SELECT j.key AS name, CAST(iif(
        j.value GLOB '{*',
        iif(json_valid(j.value), coalesce(j.value ->> '$.conversation_id', j.value ->> '$.thread_id', j.value ->> '$.threadId'), NULL),
        j.value
      ) AS TEXT) AS id
      FROM json_each(coalesce(e.attributes, l.attributes)) AS j
      WHERE (instr(coalesce(e.attributes, l.attributes), 'conversation') OR instr(coalesce(e.attributes, l.attributes), 'thread_id') OR instr(coalesce(e.attributes, l.attributes), 'threadId') OR instr(coalesce(e.attributes, l.attributes), '"thread.id":"'))
        AND j.type IN ('text', 'integer', 'real', 'object')
        AND (j.key, j.value GLOB '{*') IN (SELECT c.name, c.is_json FROM _conversation_sources AS c)
      LIMIT -1
    ) AS found
    WHERE trim(found.id) NOT IN ('', 'null', 'None', 'undefined') AND instr(found.id, '[redacted]') = 0
      AND (found.name <> 'thread.id' OR found.id GLOB '*[^0-9]*')
    ORDER BY (SELECT c.rank FROM _conversation_sources AS c WHERE c.name = found.name)
    LIMIT 1
  ) AS conversation_id
FROM _events AS e
LEFT JOIN _logs AS l ON l.id = e.log;
