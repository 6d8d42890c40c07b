CREATE VIEW logs AS
-- One row for each log record. trace_id and span_id are NULL if it names none; the span of span_id may never come.
-- session_id is the record's own, else that of its span, else that of its trace. event_id is its row in the view
-- events, if it has an event name. event_name comes from the record, its attribute event.name or its body;
-- recorded_event_name is the record's own if that is another one. body is JSON; NULL: there is none. severity_number is OpenTelemetry's, 1 to 24.
SELECT
  l.id,
  t.trace_id,
  l.span_id,
  x.session_id,
  r.service_name,
  l.event_name,
  l.severity_number,
  l.severity_text,
  l.body,
  l.time_unix_nano AS start_time_unix_nano,
  l.observed_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', l.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', l.time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', l.observed_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', l.observed_time_unix_nano / 1000 % 1000000) AS observed_time,
  coalesce(l.time_source, 'record') AS time_source,
  (SELECT e.id FROM _events AS e WHERE e.log = l.id) AS event_id,
  l.trace_flags,
  l.dropped_attributes,
  c.name AS scope_name,
  c.version AS scope_version,
  c.schema_url AS scope_schema_url,
  c.attributes AS scope_attributes,
  c.attribute_types AS scope_attribute_types,
  r.schema_url AS resource_schema_url,
  r.attributes AS resource_attributes,
  r.attribute_types AS resource_attribute_types,
  l.body_type,
  l.attribute_types,
  l.attributes,
  l.recorded_name AS recorded_event_name
FROM _logs AS l
LEFT JOIN _traces AS t ON t.id = l.trace AND t.trace_id <> ''
JOIN _trace_sessions AS p ON p.id = l.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = l.resource
LEFT JOIN _scopes AS c ON c.id = l.scope;
