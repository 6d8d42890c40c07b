CREATE OR REPLACE VIEW framework_events AS
-- One row for each event of a framework: a span event or log record whose name begins with framework. (such as
-- framework.patch).
SELECT
  e.id AS event_id,
  e.trace_id,
  e.span_id,
  e.session_id,
  e.service_name,
  e.name,
  e.attributes ->> '$."framework.name"' AS framework_name,
  e.attributes ->> '$."framework.version"' AS framework_version,
  e.start_time_unix_nano,
  strftime(make_timestamp(e.start_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS start_time,
  l.severity_text,
  e.attribute_types,
  e.attributes
FROM _events AS e
LEFT JOIN _logs AS l ON l.id = e._log
WHERE e.name >= 'framework.' AND e.name < 'framework/';
