CREATE VIEW _message_records AS
-- One row an event of a span, or a log record that names the span, that holds messages. source: the smallest is the surest;
-- the records of 0 and 2 hold the whole, those of 1 and 3 one message each. place: their order. The columns of content are
-- those of _messages, and attributes the record's own. Private.
SELECT
  s.id AS span,
  e.name <> 'gen_ai.client.inference.operation.details' AS source,
  e.ordinal AS place,
  e.name,
  m.prompt,
  m.completion,
  m.system_instructions,
  e.attributes
FROM _spans AS s
CROSS JOIN _events AS e ON e.span = s.id
CROSS JOIN _messages AS m ON m.event = e.id
UNION ALL
SELECT
  s.id,
  2 + (e.name <> 'gen_ai.client.inference.operation.details'),
  e.time_unix_nano,
  e.name,
  m.prompt,
  m.completion,
  m.system_instructions,
  l.attributes
FROM _spans AS s
CROSS JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id
CROSS JOIN _events AS e ON e.log = l.id
CROSS JOIN _messages AS m ON m.event = e.id;
