-- The next points of a series after one of this time and start, the oldest first: up to :limit from :since to :last. Plan: by
-- the key.
SELECT n.*, b.bounds
FROM (
  SELECT * FROM (
    SELECT
      p.time_unix_nano, p.start_time_unix_nano, p.flags, p.value, p.value_count, p.sum, p.min, p.max, p.buckets,
      p.bounds AS bounds_id
    FROM _metric_points AS p
    WHERE p.is_sorted = 1 AND p.series = :series AND (p.time_unix_nano, p.start_time_unix_nano) > (:time, :start)
      AND p.time_unix_nano BETWEEN :since AND :last
    ORDER BY p.time_unix_nano, p.start_time_unix_nano
    LIMIT :limit
  )
  UNION ALL
  SELECT * FROM (
    SELECT
      p.time_unix_nano, p.start_time_unix_nano, p.flags, p.value, p.value_count, p.sum, p.min, p.max, p.buckets, p.bounds
    FROM _metric_points AS p
    WHERE p.is_sorted = 0 AND p.series = :series AND (p.time_unix_nano, p.start_time_unix_nano) > (:time, :start)
      AND p.time_unix_nano BETWEEN :since AND :last
    ORDER BY p.time_unix_nano, p.start_time_unix_nano
    LIMIT :limit
  )
) AS n
LEFT JOIN _histogram_bounds AS b ON b.id = n.bounds_id
ORDER BY n.time_unix_nano, n.start_time_unix_nano
LIMIT :limit;
