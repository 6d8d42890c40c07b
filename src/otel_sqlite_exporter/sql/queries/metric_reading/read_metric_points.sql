-- The points of a name in a range of time, with what the point before each says.
SELECT *
FROM metric_points
WHERE name = :name
  AND time_unix_nano >= :since
  AND time_unix_nano < :until
ORDER BY time_unix_nano
