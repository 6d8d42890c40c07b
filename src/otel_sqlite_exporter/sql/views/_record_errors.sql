CREATE VIEW _record_errors AS
-- One row for each event, with what its attributes, or those of its log record, say of a failure. Private.
SELECT
  e.id AS event,
  coalesce(
    coalesce(e.attributes, l.attributes) ->> '$."error.message"',
    coalesce(e.attributes, l.attributes) ->> '$."exception.message"',
    coalesce(e.attributes, l.attributes) ->> '$.error'
  ) AS message
FROM _events AS e
LEFT JOIN _logs AS l ON l.id = e.log;
