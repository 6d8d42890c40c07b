-- The days after :after on which a file refused points of new series, and how many.
SELECT n.day AS id, n.day, n.refused_points
FROM _new_series AS n
WHERE n.day > :after AND n.refused_points > 0
ORDER BY n.day
LIMIT :limit;
