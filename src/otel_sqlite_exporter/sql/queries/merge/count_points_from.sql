-- How many points the series from :first on have.
SELECT count(*) FROM _metric_points AS p WHERE p.is_sorted IN (0, 1) AND p.series >= :first;
