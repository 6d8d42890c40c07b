CREATE VIEW _span_records AS
-- One row for each record of a span: its events, and the log records that name it. An event whose log record names the
-- span may be there twice. Private.
SELECT e.span, e.id AS event
FROM _events AS e
UNION ALL
SELECT s.id, e.id
FROM _spans AS s
CROSS JOIN _logs AS l ON l.trace = s.trace AND l.span_id = s.span_id
CROSS JOIN _events AS e ON e.log = l.id;
