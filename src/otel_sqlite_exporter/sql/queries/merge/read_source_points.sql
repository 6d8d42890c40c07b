-- The points of some series, those of each in the order of their times, without being sorted. :series is an array of [series, first
-- time].
SELECT
  p.series, b.bounds, p.time_unix_nano, p.start_time_unix_nano, p.time_source, p.flags, p.value, p.value_count, p.sum, p.min, p.max,
  p.buckets, p.raw_points
FROM json_each(:series) AS w
CROSS JOIN json_each('[1, 0]') AS s
CROSS JOIN _metric_points AS p ON p.is_sorted = s.value AND p.series = w.value ->> 0 AND p.time_unix_nano >= w.value ->> 1
LEFT JOIN _histogram_bounds AS b ON b.id = p.bounds;
