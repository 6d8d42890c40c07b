-- How many new points there are of the series after :after, of the first :most of them, and the last series of these.
SELECT count(*), max(n.series)
FROM (SELECT p.series FROM _metric_points AS p WHERE p.is_sorted = 0 AND p.series > :after ORDER BY p.series LIMIT :most) AS n;
