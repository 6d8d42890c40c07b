CREATE VIEW _message_texts AS
-- One row an event or log record with messages, with their texts: a JSON array of the columns of MessagesRow. Private.
SELECT
  m.event,
  json_array(
    iif(m.prompt = 0, '', (SELECT t.text FROM _texts AS t WHERE t.id = m.prompt)),
    iif(m.completion = 0, '', (SELECT t.text FROM _texts AS t WHERE t.id = m.completion)),
    iif(m.system_instructions = 0, '', (SELECT t.text FROM _texts AS t WHERE t.id = m.system_instructions))
  ) AS texts
FROM _messages AS m;
