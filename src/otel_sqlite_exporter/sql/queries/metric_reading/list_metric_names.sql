-- The names of all metrics.
SELECT DISTINCT name
FROM _instruments
ORDER BY name
