CREATE VIEW _call_prompts AS
-- One row a call, with its own prompt: that of attributes, else of events of the span, else of log records that name it:
-- the first of records that hold the whole, or else all messages. A result that gen_ai.tool.message tells and
-- gen_ai.user.message repeats (as botocore's do) is there once. An attribute that has the form of the conventions is not
-- parsed when it is written (the column of the call is an empty text): one that is no JSON after all is shown as a text.
-- LIMIT 1 keeps SQLite from reading it three times. Private.
SELECT
  i.id,
  CASE
    WHEN i.prompt = '' THEN (
      SELECT iif(json_valid(attribute.text), attribute.text, '[{"role":"user","parts":[{"type":"text","content":' || json_quote(attribute.text) || '}]}]')
      FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.input.messages"' AS text LIMIT 1) AS attribute
    )
    WHEN i.prompt IS NOT NULL THEN i.prompt
    WHEN i.event IS NOT NULL THEN (SELECT b.prompt FROM _llm_interactions AS b WHERE b.event = i.start_event)
    ELSE (
      WITH recorded AS MATERIALIZED (
        SELECT q.source, q.position, q.rank, iif(q.prompt = 0, q.attributes ->> '$."gen_ai.input.messages"', (SELECT t.text FROM _texts AS t WHERE t.id = q.prompt)) AS text
        FROM _message_records AS q
        WHERE q.prompt IS NOT NULL AND q.event IN (SELECT z.event FROM _span_records AS z WHERE z.span = i.span)
      )
      SELECT coalesce(
        ('[' || group_concat(told.text, ',') FILTER (WHERE told.source = 0) || ']') ->> '$[0]',
        '[' || group_concat(told.text, ',') FILTER (WHERE told.source = 1) || ']',
        ('[' || group_concat(told.text, ',') FILTER (WHERE told.source = 2) || ']') ->> '$[0]',
        '[' || group_concat(told.text, ',') FILTER (WHERE told.source = 3) || ']'
      )
      FROM (
        SELECT recorded.source, recorded.text
        FROM recorded
        WHERE NOT (recorded.rank = 4 AND EXISTS (
          SELECT 1 FROM recorded AS asked
          WHERE asked.rank = 2 AND asked.source = recorded.source AND instr(asked.text, substr(recorded.text, 25, length(recorded.text) - 27)) > 0
        ))
        ORDER BY recorded.position, recorded.rank, recorded.text
      ) AS told
    )
  END AS prompt
FROM _llm_interactions AS i
LEFT JOIN _spans AS s ON s.id = i.span;
