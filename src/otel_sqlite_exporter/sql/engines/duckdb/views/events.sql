CREATE OR REPLACE VIEW events AS
-- One row for each record: the start and the finish of every span (source 'span'), the events of spans (source
-- 'event') and the log records with an event name (source 'log'). The records of a span show its attributes.
SELECT
  s.id,
  s.trace_id,
  s.span_id,
  s.session_id,
  s.service_name,
  'span' AS source,
  CAST(NULL AS BIGINT) AS ordinal,
  'start' AS phase,
  s.name,
  s.start_time_unix_nano,
  strftime(make_timestamp(s.start_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS start_time,
  CASE WHEN s._finish_id IS NOT NULL THEN (s.end_time_unix_nano - s.start_time_unix_nano) / 1e6 END AS duration_ms,
  s.start_time_source AS time_source,
  s._finish_id AS related_event_id,
  CASE WHEN s._finish_id IS NOT NULL THEN 'span' END AS link_method,
  CAST(NULL AS BIGINT) AS dropped_attributes,
  CASE WHEN s._start_attributes IS NULL THEN s.attribute_types ELSE s._start_attribute_types END AS attribute_types,
  coalesce(s._start_attributes, s.attributes) AS attributes
FROM _spans AS s
UNION ALL
SELECT
  s._finish_id AS id,
  s.trace_id,
  s.span_id,
  s.session_id,
  s.service_name,
  'span' AS source,
  CAST(NULL AS BIGINT) AS ordinal,
  'finish' AS phase,
  s.name,
  s.end_time_unix_nano AS start_time_unix_nano,
  strftime(make_timestamp(s.end_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS start_time,
  (s.end_time_unix_nano - s.start_time_unix_nano) / 1e6 AS duration_ms,
  s.end_time_source AS time_source,
  s.id AS related_event_id,
  'span' AS link_method,
  CAST(NULL AS BIGINT) AS dropped_attributes,
  s.attribute_types,
  s.attributes
FROM _spans AS s
WHERE s._finish_id IS NOT NULL
UNION ALL
SELECT
  e.id,
  e.trace_id,
  e.span_id,
  e.session_id,
  e.service_name,
  e.source,
  e.ordinal,
  e.phase,
  e.name,
  e.start_time_unix_nano,
  strftime(make_timestamp(e.start_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS start_time,
  e.duration_ms,
  e.time_source,
  e.related_event_id,
  e.link_method,
  e.dropped_attributes,
  e.attribute_types,
  e.attributes
FROM _events AS e;
