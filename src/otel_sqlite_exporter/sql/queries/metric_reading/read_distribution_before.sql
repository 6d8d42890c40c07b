-- The last count before a time that counts from the same start: among the older points, or among the newer ones.
SELECT time_unix_nano, start_time_unix_nano, flags, raw_points, value_count, sum, min, max, bounds, buckets
FROM _metric_points
WHERE is_sorted = :is_sorted
  AND series = :series
  AND time_unix_nano >= :since
  AND time_unix_nano < :until
  AND start_time_unix_nano = :start
  AND value_count IS NOT NULL
ORDER BY time_unix_nano DESC
LIMIT 1
