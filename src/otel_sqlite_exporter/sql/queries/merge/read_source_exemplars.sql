-- The exemplars of ranges of points, in their order. :ranges is an array of [series, first time, last time].
SELECT
  e.series, e.point_time_unix_nano, e.point_start_time_unix_nano,
  e.time_unix_nano, e.value, e.trace_id, e.span_id, e.attribute_types, e.attributes
FROM json_each(:ranges) AS w
CROSS JOIN _exemplars AS e ON e.series = w.value ->> 0
  AND e.point_time_unix_nano >= w.value ->> 1 AND e.point_time_unix_nano <= w.value ->> 2;
