CREATE VIEW _recorded_messages AS
-- One row a span, with the content of a call that its events hold, or else log records that name it: the first prompt and
-- the last completion of records that hold the whole, or else all messages. Of one time, log records come in the order
-- system, user, assistant, tool, so that their order does not depend on their arrival. Private.
SELECT
  s.id AS span,
  (
    SELECT coalesce(
      ('[' || group_concat(r.text, ',') FILTER (WHERE r.source = 0) || ']') ->> '$[0]',
      '[' || group_concat(r.text, ',') FILTER (WHERE r.source = 1) || ']',
      ('[' || group_concat(r.text, ',') FILTER (WHERE r.source = 2) || ']') ->> '$[0]',
      '[' || group_concat(r.text, ',') FILTER (WHERE r.source = 3) || ']'
    )
    FROM (
      SELECT q.source, iif(q.prompt = 0, q.attributes ->> '$."gen_ai.input.messages"', (SELECT t.text FROM _texts AS t WHERE t.id = q.prompt)) AS text
      FROM _message_records AS q
      WHERE q.span = s.id AND q.prompt IS NOT NULL
      ORDER BY q.place, instr('suat', substr(q.name, 8, 1)), text
    ) AS r
  ) AS prompt,
  (
    SELECT coalesce(
      ('[' || group_concat(r.text, ',') FILTER (WHERE r.source = 0) || ']') ->> '$[#-1]',
      '[' || group_concat(r.text, ',') FILTER (WHERE r.source = 1) || ']',
      ('[' || group_concat(r.text, ',') FILTER (WHERE r.source = 2) || ']') ->> '$[#-1]',
      '[' || group_concat(r.text, ',') FILTER (WHERE r.source = 3) || ']'
    )
    FROM (
      SELECT q.source, iif(q.completion = 0, q.attributes ->> '$."gen_ai.output.messages"', (SELECT t.text FROM _texts AS t WHERE t.id = q.completion)) AS text
      FROM _message_records AS q
      WHERE q.span = s.id AND q.completion IS NOT NULL
      ORDER BY q.place, text
    ) AS r
  ) AS completion,
  (
    SELECT iif(q.system_instructions = 0, q.attributes ->> '$."gen_ai.system_instructions"', (SELECT t.text FROM _texts AS t WHERE t.id = q.system_instructions)) AS text
    FROM _message_records AS q
    WHERE q.span = s.id AND q.system_instructions IS NOT NULL
    ORDER BY q.source, q.place, text
    LIMIT 1
  ) AS system_instructions
FROM _spans AS s;
