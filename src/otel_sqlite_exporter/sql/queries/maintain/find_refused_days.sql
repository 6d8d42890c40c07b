-- The days (since 1970-01-01) on which points of new series beyond the limit were refused, since :since, the newest first: day, series
-- that were made, points.
SELECT n.day, n.series, n.refused_points
FROM _new_series AS n
WHERE n.refused_points > 0 AND n.day >= :since
ORDER BY n.day DESC;
