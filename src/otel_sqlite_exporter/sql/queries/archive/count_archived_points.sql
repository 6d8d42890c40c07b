-- How many data points are in a range of time. Parameters: since, until (nanoseconds). Plan: two searches for each series.
SELECT ifnull(sum((
  SELECT count(*) FROM _metric_points AS p
  WHERE p.is_sorted IN (0, 1) AND p.series = m.id AND p.time_unix_nano >= :since AND p.time_unix_nano < :until
)), 0)
FROM _metric_series AS m;
