CREATE VIEW _call_errors AS
-- One row for each model call, with what it says of its failure: its span, its record, else other records of the same
-- call. NULL: nothing. Private.
SELECT
  i.id,
  coalesce(
    iif(i.event IS NULL, (SELECT m.message FROM _error_messages AS m WHERE m.span = i.span), NULL),
    (SELECT r.message FROM _record_errors AS r WHERE r.event = i.event),
    (SELECT max(m.message) FROM _llm_interactions AS w JOIN _error_messages AS m ON m.span = w.span WHERE w.twin = i.id),
    (SELECT max(r.message) FROM _llm_interactions AS w JOIN _record_errors AS r ON r.event = w.event WHERE w.twin = i.id)
  ) AS message
FROM _llm_interactions AS i;
