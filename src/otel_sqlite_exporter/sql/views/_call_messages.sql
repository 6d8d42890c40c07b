CREATE VIEW _call_messages AS
-- One row a call, with its messages: those of attributes, else of events of the span, else of log records that
-- name it. An attribute that has the form of the conventions is not parsed when it is written (the column of the call is an
-- empty text): one that is no JSON after all is shown as a text. LIMIT 1 keeps SQLite from reading it three times. Private.
SELECT
  i.id,
  CASE
    WHEN i.prompt = '' THEN (
      SELECT iif(json_valid(attribute.text), attribute.text, '[{"role":"user","parts":[{"type":"text","content":' || json_quote(attribute.text) || '}]}]')
      FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.input.messages"' AS text LIMIT 1) AS attribute
    )
    WHEN i.event IS NULL THEN coalesce(i.prompt, m.prompt)
    ELSE coalesce(i.prompt, b.prompt)
  END AS prompt,
  CASE
    WHEN i.completion = '' THEN (
      SELECT iif(json_valid(attribute.text), attribute.text, '[{"role":"assistant","parts":[{"type":"text","content":' || json_quote(attribute.text) || '}]}]')
      FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.output.messages"' AS text LIMIT 1) AS attribute
    )
    WHEN i.event IS NULL THEN coalesce(i.completion, m.completion)
    ELSE i.completion
  END AS completion,
  CASE
    WHEN i.system_instructions = '' THEN (
      SELECT iif(json_valid(attribute.text), attribute.text, '[{"type":"text","content":' || json_quote(attribute.text) || '}]')
      FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.system_instructions"' AS text LIMIT 1) AS attribute
    )
    WHEN i.event IS NULL THEN coalesce(i.system_instructions, m.system_instructions)
    ELSE coalesce(i.system_instructions, b.system_instructions)
  END AS system_instructions
FROM _llm_interactions AS i
LEFT JOIN _llm_interactions AS b ON b.event = i.start_event
LEFT JOIN _spans AS s ON s.id = i.span
LEFT JOIN _recorded_messages AS m ON m.span = i.span;
