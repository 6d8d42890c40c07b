-- The exemplars of some series. $series is a list of ids.
SELECT
  p.series_id, p.point_time_unix_nano, coalesce(p.point_start_time_unix_nano, 0) AS point_start_time_unix_nano,
  p.time_unix_nano, p.value, p.value_type, p._value AS stored, p.trace_id, p.span_id, p.attribute_types, p.attributes
FROM _exemplars AS p
WHERE list_contains($series::BIGINT[], p.series_id)
ORDER BY p.series_id, p.point_time_unix_nano, p.point_start_time_unix_nano, p.ordinal;
