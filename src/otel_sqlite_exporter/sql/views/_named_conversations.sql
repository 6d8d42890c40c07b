CREATE VIEW _named_conversations AS
-- One row a span, with the conversation that it names itself. A number in thread.id is a thread of the operating system.
-- Private.
SELECT
  s.id AS span,
  (
    -- The strongest name first: LIMIT -1 lets SQLite stop at the first that holds.
    SELECT found.id
    FROM (
      SELECT told.name, CAST(iif(
        told.is_json,
        iif(json_valid(told.value), coalesce(told.value ->> '$.conversation_id', told.value ->> '$.thread_id', told.value ->> '$.threadId'), NULL),
        told.value
      ) AS TEXT) AS id
      FROM (
        SELECT c.name, c.is_json, whole.attributes ->> c.path AS value, json_type(whole.attributes, c.path) AS type
        FROM (
          SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes
          WHERE s.attributes GLOB '*conversation*' OR s.attributes GLOB '*thread[_I]*' OR s.attributes GLOB '*"thread.id":"*'
          LIMIT 1
        ) AS whole
        CROSS JOIN _conversation_sources AS c
        LIMIT -1
      ) AS told
      WHERE (told.value GLOB '{*') = told.is_json AND (told.type = 'text' OR told.type IN ('integer', 'real', 'object') AND told.name <> 'thread.id')
      LIMIT -1
    ) AS found
    WHERE trim(found.id) NOT IN ('', 'null', 'None', 'undefined') AND instr(found.id, '[redacted]') = 0
      AND (found.name <> 'thread.id' OR found.id GLOB '*[^0-9]*')
    LIMIT 1
  ) AS conversation_id
FROM _spans AS s;
