-- The points of some hours of series: all, or only those of hours of which some are made of others. :hours is an array of [digest of
-- the series, first time of the hour, whether all]; a row begins with its place in that.
WITH wanted AS MATERIALIZED (
  SELECT w.key AS place, m.id AS series, w.value ->> 1 AS first_time
  FROM json_each(:hours) AS w
  CROSS JOIN _metric_series AS m ON m.digest = w.value ->> 0
  WHERE w.value ->> 2 OR (
    w.value ->> 1 < m.hourly_until_unix_nano + 3600000000000 AND EXISTS (
      SELECT 1 FROM _metric_points AS p
      WHERE p.is_sorted IN (0, 1) AND p.series = m.id
        AND p.time_unix_nano >= w.value ->> 1 AND p.time_unix_nano < (w.value ->> 1) + 3600000000000
        AND p.raw_points > 0
    )
  )
)
SELECT
  w.place, b.bounds, p.time_unix_nano, p.start_time_unix_nano, p.time_source, p.flags, p.value, p.value_count, p.sum, p.min, p.max,
  p.buckets, p.raw_points
FROM wanted AS w
CROSS JOIN json_each('[1, 0]') AS s
CROSS JOIN _metric_points AS p ON p.is_sorted = s.value AND p.series = w.series
  AND p.time_unix_nano >= w.first_time AND p.time_unix_nano < w.first_time + 3600000000000
LEFT JOIN _histogram_bounds AS b ON b.id = p.bounds;
