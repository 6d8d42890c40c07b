-- The exemplars of some points, in their order. Parameter: points, a JSON array of [series, time, start]. Plan: by the keys.
SELECT
  k.key AS point, e.time_unix_nano, e.value, e.trace_id, e.span_id, e.attributes, e.attribute_types
FROM json_each(:points) AS k
CROSS JOIN _exemplars AS e
  ON e.series = json_extract(k.value, '$[0]') AND e.point_time_unix_nano = json_extract(k.value, '$[1]')
  AND e.point_start_time_unix_nano = json_extract(k.value, '$[2]')
ORDER BY k.key, e.ordinal;
