-- The days (since 1970-01-01, UTC) of the first points after a range of time of the series that have points in it: what came since
-- the point before is in their rows.
SELECT DISTINCT (
  SELECT min(p.time_unix_nano) FROM _metric_points AS p
  WHERE p.is_sorted IN (0, 1) AND p.series = m.id AND p.time_unix_nano >= :until
) / 86400000000000 AS day
FROM _metric_series AS m
WHERE EXISTS (
  SELECT 1 FROM _metric_points AS p
  WHERE p.is_sorted IN (0, 1) AND p.series = m.id AND p.time_unix_nano >= :since AND p.time_unix_nano < :until
);
