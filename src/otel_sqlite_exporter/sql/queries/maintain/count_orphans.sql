-- The number of rows of our tables that refer to missing rows, by table and the table they refer to. Tables that a
-- migration in place has left are not checked.
SELECT f."table", f.parent, count(*) AS orphans
FROM sqlite_schema AS s
JOIN pragma_foreign_key_check(s.name) AS f
WHERE s.type = 'table' AND s.name LIKE '\_%' ESCAPE '\'
GROUP BY f."table", f.parent
UNION ALL
SELECT '_metric_points', '_metric_series', count(*)
FROM _metric_points AS p
WHERE NOT EXISTS (SELECT 1 FROM _metric_series AS m WHERE m.id = p.series)
HAVING count(*) > 0
UNION ALL
SELECT '_metric_points', '_histogram_bounds', count(*)
FROM _metric_points AS p
WHERE p.bounds IS NOT NULL AND NOT EXISTS (SELECT 1 FROM _histogram_bounds AS b WHERE b.id = p.bounds)
HAVING count(*) > 0
ORDER BY 1, 2;
