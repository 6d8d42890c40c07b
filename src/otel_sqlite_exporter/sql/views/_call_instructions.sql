CREATE VIEW _call_instructions AS
-- One row a call, with its own system instructions, found as its prompt is (_call_prompts), of the surest record. Private.
SELECT
  i.id,
  CASE
    WHEN i.system_instructions = '' THEN (
      SELECT iif(json_valid(attribute.text), attribute.text, '[{"type":"text","content":' || json_quote(attribute.text) || '}]')
      FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.system_instructions"' AS text LIMIT 1) AS attribute
    )
    WHEN i.system_instructions IS NOT NULL THEN i.system_instructions
    WHEN i.event IS NOT NULL THEN (SELECT b.system_instructions FROM _llm_interactions AS b WHERE b.event = i.start_event)
    ELSE (
      SELECT iif(q.system_instructions = 0, q.attributes ->> '$."gen_ai.system_instructions"', (SELECT t.text FROM _texts AS t WHERE t.id = q.system_instructions)) AS text
      FROM _message_records AS q
      WHERE q.system_instructions IS NOT NULL AND q.event IN (SELECT z.event FROM _span_records AS z WHERE z.span = i.span)
      ORDER BY q.source, q.position, text
      LIMIT 1
    )
  END AS system_instructions
FROM _llm_interactions AS i
LEFT JOIN _spans AS s ON s.id = i.span;
