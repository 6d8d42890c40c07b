CREATE VIEW _attribute_messages AS
-- One row a span, with the content that its attributes hold in the form of the GenAI conventions. Such an attribute is not
-- parsed when it is written: one that is no JSON after all is shown as a text. Private. LIMIT 1 keeps SQLite from putting
-- the inner expression into the outer one three times.
SELECT
  s.id AS span,
  (
    SELECT iif(json_valid(a.text), a.text, json_array(json_object('role', 'user', 'parts', json_array(json_object('type', 'text', 'content', a.text)))))
    FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.input.messages"' AS text LIMIT 1) AS a
  ) AS prompt,
  (
    SELECT iif(json_valid(a.text), a.text, json_array(json_object('role', 'assistant', 'parts', json_array(json_object('type', 'text', 'content', a.text)))))
    FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.output.messages"' AS text LIMIT 1) AS a
  ) AS completion,
  (
    SELECT iif(json_valid(a.text), a.text, json_array(json_object('type', 'text', 'content', a.text)))
    FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.system_instructions"' AS text LIMIT 1) AS a
  ) AS system_instructions
FROM _spans AS s;
