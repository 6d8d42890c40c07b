-- How many data points the metric :name has at or after :since, up to :most. Plan: the index of names, then of each series the end
-- of its points.
SELECT count(*)
FROM (
  SELECT 1
  FROM _instruments AS i
  JOIN _metric_series AS m ON m.instrument = i.id
  CROSS JOIN _metric_points AS p ON p.series = m.id AND p.is_sorted IN (0, 1) AND p.time_unix_nano >= :since
  WHERE i.name = :name
  LIMIT :most
);
