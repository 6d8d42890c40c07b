-- Removes those of some series that have no points, and returns their instruments. :series is an array of ids of _metric_series.
DELETE FROM _metric_series
WHERE id IN (SELECT w.value FROM json_each(:series) AS w)
  AND NOT EXISTS (SELECT 1 FROM _metric_points AS p WHERE p.is_sorted IN (0, 1) AND p.series = _metric_series.id)
RETURNING instrument;
