CREATE VIEW _message_records AS
-- One row an event of a span, or a log record, that holds messages. source: the smallest is the surest; records of 0 and 2
-- hold the whole, those of 1 and 3 single messages. position and rank: their order, so that of one time, log records come as
-- system, user, assistant, tool, whichever arrived first. The columns of content are those of _messages. Private.
SELECT
  m.event,
  2 * (e.log IS NOT NULL) + (e.name <> 'gen_ai.client.inference.operation.details') AS source,
  coalesce(e.ordinal, e.time_unix_nano) AS position,
  instr('suat', substr(e.name, 8, 1)) AS rank,
  m.prompt,
  m.completion,
  m.system_instructions,
  coalesce(e.attributes, l.attributes) AS attributes
FROM _messages AS m
CROSS JOIN _events AS e ON e.id = m.event
LEFT JOIN _logs AS l ON l.id = e.log;
