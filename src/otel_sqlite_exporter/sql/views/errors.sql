CREATE VIEW errors AS
-- One row for each span that failed, with the reason: error_type is its attribute error.type, else the type of the
-- last exception among its events.
SELECT
  s.id,
  t.trace_id,
  s.span_id,
  s.parent_span_id,
  x.session_id,
  (SELECT r.service_name FROM _resources AS r WHERE r.id = s.resource) AS service_name,
  s.name,
  s.start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', s.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', s.start_time_unix_nano / 1000 % 1000000) AS start_time,
  coalesce(
    iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."error.type"',
    (SELECT e.attributes ->> '$."exception.type"' FROM _events AS e WHERE e.span = s.id AND e.name = 'exception' ORDER BY e.ordinal DESC LIMIT 1)
  ) AS error_type,
  s.status_description,
  (SELECT e.attributes ->> '$."exception.message"' FROM _events AS e WHERE e.span = s.id AND e.name = 'exception' ORDER BY e.ordinal DESC LIMIT 1) AS exception_message
FROM _spans AS s
JOIN _traces AS t ON t.id = s.trace
JOIN _trace_sessions AS p ON p.id = s.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session
WHERE s.status_code = 2;
