-- Removes the exemplars of those of some series that have no points. :series is an array of ids of _metric_series.
DELETE FROM _exemplars
WHERE series IN (
  SELECT w.value FROM json_each(:series) AS w
  WHERE NOT EXISTS (SELECT 1 FROM _metric_points AS p WHERE p.is_sorted IN (0, 1) AND p.series = w.value)
);
