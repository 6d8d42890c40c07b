-- The points of a gauge or sum in a range of time: the older part of them, or the newer one.
SELECT time_unix_nano, start_time_unix_nano, flags, raw_points, value
FROM _metric_points
WHERE is_sorted = :is_sorted
  AND series = :series
  AND time_unix_nano >= :since
  AND time_unix_nano < :until
ORDER BY time_unix_nano, start_time_unix_nano
LIMIT :limit
