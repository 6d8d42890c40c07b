CREATE VIEW _recorded_messages AS
-- One row a span, with the content of a call that its events hold, or else log records that name it: the first prompt and
-- the last completion of records that hold the whole, or else all messages. A result that gen_ai.tool.message tells
-- and gen_ai.user.message repeats (as botocore's do) is there once. Private.
SELECT
  s.id AS span,
  (
    SELECT coalesce(
      ('[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 0) || ']') ->> '$[0]',
      '[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 1) || ']',
      ('[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 2) || ']') ->> '$[0]',
      '[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 3) || ']'
    )
    FROM (
      SELECT q.source, iif(q.prompt = 0, q.attributes ->> '$."gen_ai.input.messages"', (SELECT t.text FROM _texts AS t WHERE t.id = q.prompt)) AS text
      FROM _message_records AS q
      WHERE q.prompt IS NOT NULL AND q.event IN (
        SELECT e.id FROM _events AS e WHERE e.span = s.id
        UNION ALL
        SELECT e.id FROM _logs AS l CROSS JOIN _events AS e ON e.log = l.id WHERE l.trace = s.trace AND l.span_id = s.span_id
      )
      AND NOT (q.rank = 4 AND EXISTS (
        SELECT 1
        FROM _message_records AS u
        WHERE u.rank = 2 AND u.source = q.source AND u.event IN (
          SELECT e.id FROM _events AS e WHERE e.span = s.id
          UNION ALL
          SELECT e.id FROM _logs AS l CROSS JOIN _events AS e ON e.log = l.id WHERE l.trace = s.trace AND l.span_id = s.span_id
        )
        AND (
          SELECT instr(t.text, substr(told.text, 25, length(told.text) - 27))
          FROM _texts AS t, _texts AS told
          WHERE t.id = u.prompt AND told.id = q.prompt
        ) > 0
      ))
      ORDER BY q.position, q.rank, text
    ) AS recorded
  ) AS prompt,
  (
    SELECT coalesce(
      ('[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 0) || ']') ->> '$[#-1]',
      '[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 1) || ']',
      ('[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 2) || ']') ->> '$[#-1]',
      '[' || group_concat(recorded.text, ',') FILTER (WHERE recorded.source = 3) || ']'
    )
    FROM (
      SELECT q.source, iif(q.completion = 0, q.attributes ->> '$."gen_ai.output.messages"', (SELECT t.text FROM _texts AS t WHERE t.id = q.completion)) AS text
      FROM _message_records AS q
      WHERE q.completion IS NOT NULL AND q.event IN (
        SELECT e.id FROM _events AS e WHERE e.span = s.id
        UNION ALL
        SELECT e.id FROM _logs AS l CROSS JOIN _events AS e ON e.log = l.id WHERE l.trace = s.trace AND l.span_id = s.span_id
      )
      ORDER BY q.position, q.rank, text
    ) AS recorded
  ) AS completion,
  (
    SELECT iif(q.system_instructions = 0, q.attributes ->> '$."gen_ai.system_instructions"', (SELECT t.text FROM _texts AS t WHERE t.id = q.system_instructions)) AS text
    FROM _message_records AS q
    WHERE q.system_instructions IS NOT NULL AND q.event IN (
      SELECT e.id FROM _events AS e WHERE e.span = s.id
      UNION ALL
      SELECT e.id FROM _logs AS l CROSS JOIN _events AS e ON e.log = l.id WHERE l.trace = s.trace AND l.span_id = s.span_id
    )
    ORDER BY q.source, q.position, text
    LIMIT 1
  ) AS system_instructions
FROM _spans AS s;
