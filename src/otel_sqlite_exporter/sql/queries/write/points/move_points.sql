-- Sorts in the new points of the series after :after up to :last.
INSERT INTO _metric_points
SELECT
  1, p.series, p.time_unix_nano, p.start_time_unix_nano, p.time_source, p.flags, p.value, p.value_count, p.sum, p.min, p.max, p.bounds,
  p.buckets, p.raw_points
FROM _metric_points AS p
WHERE p.is_sorted = 0 AND p.series > :after AND p.series <= :last;
DELETE FROM _metric_points WHERE is_sorted = 0 AND series > :after AND series <= :last;
