CREATE VIEW _error_messages AS
-- One row for each span, with what it says of its failure: the description of its status, else the message of the last
-- exception among its events, else an attribute. NULL: nothing.
SELECT
  s.id AS span,
  coalesce(
    nullif(s.status_description, ''),
    (SELECT e.attributes ->> '$."exception.message"' FROM _events AS e WHERE e.span = s.id AND e.name = 'exception' ORDER BY e.ordinal DESC LIMIT 1),
    (
      SELECT coalesce(whole.attributes ->> '$."error.message"', whole.attributes ->> '$."exception.message"')
      FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes LIMIT 1) AS whole
    )
  ) AS message
FROM _spans AS s;
