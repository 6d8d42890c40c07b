CREATE VIEW _tool_errors AS
-- One row for each tool execution, with what it says of its failure: its span, its record, else those of other records of
-- the same execution, else the key error of its result. NULL: nothing. Private.
SELECT
  i.id,
  coalesce(
    iif(i.event IS NULL, (SELECT m.message FROM _error_messages AS m WHERE m.span = i.span), NULL),
    (SELECT r.message FROM _record_errors AS r WHERE r.event = i.event),
    (SELECT max(m.message) FROM _tool_interactions AS w JOIN _error_messages AS m ON m.span = w.span WHERE w.merged_into = i.id AND w.is_request = 0),
    (SELECT max(r.message) FROM _tool_interactions AS w JOIN _record_errors AS r ON r.event = w.event WHERE w.merged_into = i.id AND w.is_request = 0),
    (SELECT iif(json_type(i.result, '$.error') = 'text', i.result ->> '$.error', NULL) WHERE json_valid(i.result))
  ) AS message
FROM _tool_interactions AS i;
