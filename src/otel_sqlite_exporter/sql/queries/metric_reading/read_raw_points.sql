-- The points of a series in a range of time, with what came since the point before.
SELECT
  time_unix_nano, value, start_time_unix_nano, delta, count, count_delta, sum, sum_delta, min, max, buckets, change, raw_points, flags
FROM metric_points
WHERE series_id = :series
  AND time_unix_nano >= :since
  AND time_unix_nano < :until
ORDER BY time_unix_nano, start_time_unix_nano
