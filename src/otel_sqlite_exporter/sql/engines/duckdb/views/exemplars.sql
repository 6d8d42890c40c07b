CREATE OR REPLACE VIEW exemplars AS
-- One row for each exemplar: a value that a point of a metric counts, and the span that measured it. span_name and session_id
-- are those of the span when the point was archived.
SELECT
  e.name,
  e.kind,
  e.unit,
  e.series_id,
  e.service_name,
  e.point_time_unix_nano,
  e.point_start_time_unix_nano,
  e.ordinal,
  e.time_unix_nano,
  strftime(make_timestamp(e.time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS time,
  e.value,
  e.value_type,
  e.trace_id,
  e.span_id,
  e.session_id,
  e.span_name,
  e.attribute_types,
  e.attributes,
  e.series_attribute_types,
  e.series_attributes
FROM _exemplars AS e;
