-- The texts of the messages of some records, as a JSON array of ids of _texts. :spans and :logs are arrays of ids of _spans and
-- _logs.
WITH
  messages AS MATERIALIZED (
    SELECT m.prompt, m.completion, m.system_instructions
    FROM json_each(:spans) AS w
    CROSS JOIN _events AS e ON e.span = w.value
    CROSS JOIN _messages AS m ON m.event = e.id
    UNION ALL
    SELECT m.prompt, m.completion, m.system_instructions
    FROM json_each(:logs) AS w
    CROSS JOIN _events AS e ON e.log = w.value
    CROSS JOIN _messages AS m ON m.event = e.id
  )
SELECT json_group_array(t.id)
FROM (
  SELECT prompt AS id FROM messages WHERE prompt > 0
  UNION
  SELECT completion FROM messages WHERE completion > 0
  UNION
  SELECT system_instructions FROM messages WHERE system_instructions > 0
) AS t;
