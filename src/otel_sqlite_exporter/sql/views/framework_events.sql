CREATE VIEW framework_events AS
-- One row for each event of a framework: a span event or log record whose name begins with framework. (such as
-- framework.patch).
SELECT
  e.id AS event_id,
  t.trace_id,
  coalesce(s.span_id, l.span_id) AS span_id,
  x.session_id,
  r.service_name,
  e.name,
  coalesce(e.attributes, l.attributes) ->> '$."framework.name"' AS framework_name,
  coalesce(e.attributes, l.attributes) ->> '$."framework.version"' AS framework_version,
  e.time_unix_nano AS start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', e.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', e.time_unix_nano / 1000 % 1000000) AS start_time,
  l.severity_text,
  coalesce(e.attribute_types, l.attribute_types) AS attribute_types,
  coalesce(e.attributes, l.attributes) AS attributes
FROM _events AS e
JOIN _trace_sessions AS p ON p.id = e.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _spans AS s ON s.id = e.span
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = coalesce(s.resource, l.resource)
WHERE e.name >= 'framework.' AND e.name < 'framework/';
