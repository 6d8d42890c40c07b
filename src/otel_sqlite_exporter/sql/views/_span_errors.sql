CREATE VIEW _span_errors AS
-- One row for each failed span, with what it says of its error, as JSON: its type, its message, the rest of this
-- after the first colon, and all texts in which it may repeat the message of another. is_said is 0 if it names no
-- cause: it has no message, and no type but the status of a response, such as 429. is_cause is 1 if it may be the cause
-- of other failures: it names one, or it is a request to something else, a call or a tool execution. One column: SQLite
-- copies the expression of a column to each place that names it. Private.
SELECT
  s.id,
  (
    SELECT json_object(
      'type', found.error_type,
      'exception', found.exception_message,
      'message', coalesce(found.exception_message, found.status_description),
      'rest', substr(coalesce(found.exception_message, found.status_description), instr(coalesce(found.exception_message, found.status_description), ': ') + 2),
      'is_said', found.exception_message IS NOT NULL OR found.status_description IS NOT NULL
        OR ifnull(found.error_type NOT GLOB '[0-9]*' AND found.error_type <> '_OTHER', 0),
      'is_cause', found.exception_message IS NOT NULL OR found.status_description IS NOT NULL
        OR ifnull(found.error_type NOT GLOB '[0-9]*' AND found.error_type <> '_OTHER', 0) OR s.kind IN (2, 3)
        OR EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.span = s.id)
        OR EXISTS (SELECT 1 FROM _tool_interactions AS i WHERE i.span = s.id AND i.is_request = 0),
      'text', ifnull(found.status_description, '') || char(10) || ifnull(found.exception_message, '') || char(10) || ifnull(found.stacktrace, '')
    )
    FROM (
      SELECT
        CAST(coalesce( -- SQLite reads a number beyond its own as Infinity, which JSON has not
          iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."error.type"',
          e.attributes ->> '$."exception.type"'
        ) AS TEXT) AS error_type,
        nullif(CAST(e.attributes ->> '$."exception.message"' AS TEXT), '') AS exception_message,
        nullif(s.status_description, '') AS status_description,
        e.attributes ->> '$."exception.stacktrace"' AS stacktrace
      FROM (SELECT (SELECT e.id FROM _events AS e WHERE e.span = s.id AND e.name = 'exception' ORDER BY e.ordinal DESC LIMIT 1) AS event) AS one
      LEFT JOIN _events AS e ON e.id = one.event
      LIMIT 1
    ) AS found
  ) AS facts
FROM _spans AS s
WHERE s.status_code = 2;
