-- The last number before a time that counts from the same start: among the older points, or among the newer ones.
SELECT time_unix_nano, start_time_unix_nano, flags, raw_points, value
FROM _metric_points
WHERE is_sorted = :is_sorted
  AND series = :series
  AND time_unix_nano >= :since
  AND time_unix_nano < :until
  AND start_time_unix_nano = :start
  AND (typeof(value) IN ('integer', 'real') OR (typeof(value) = 'text' AND value NOT IN ('NaN', 'Infinity', '-Infinity')))
ORDER BY time_unix_nano DESC
LIMIT 1
