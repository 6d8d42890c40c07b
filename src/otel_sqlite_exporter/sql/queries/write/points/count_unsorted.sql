-- How many new points there are, and of how many series.
SELECT coalesce(sum(n.points), 0), count(*)
FROM (SELECT count(*) AS points FROM _metric_points AS p WHERE p.is_sorted = 0 GROUP BY p.series) AS n;
