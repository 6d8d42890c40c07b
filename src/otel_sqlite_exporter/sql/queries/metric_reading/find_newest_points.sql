-- Of the newest points of a series in a range, so many at most: how many there are, the time of the first, and whether there
-- are more.
SELECT
  count(*) AS points,
  min(n.time_unix_nano) AS first_time,
  EXISTS (
    SELECT 1
    FROM _metric_points AS o
    WHERE o.is_sorted = :is_sorted AND o.series = :series AND o.time_unix_nano >= :since AND o.time_unix_nano < :until
    LIMIT 1 OFFSET :most
  ) AS is_cut
FROM (
  SELECT p.time_unix_nano
  FROM _metric_points AS p
  WHERE p.is_sorted = :is_sorted AND p.series = :series AND p.time_unix_nano >= :since AND p.time_unix_nano < :until
  ORDER BY p.time_unix_nano DESC
  LIMIT :most
) AS n
