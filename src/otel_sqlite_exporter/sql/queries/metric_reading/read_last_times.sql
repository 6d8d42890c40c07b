-- The times of the last points of a series before a time: of the older ones, or of the newer ones.
SELECT time_unix_nano
FROM _metric_points
WHERE is_sorted = :is_sorted
  AND series = :series
  AND time_unix_nano < :until
ORDER BY time_unix_nano DESC
LIMIT :limit
