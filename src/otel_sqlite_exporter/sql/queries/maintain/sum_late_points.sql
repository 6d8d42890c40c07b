-- Of the points that came too late to be stored (is_late 0), and of those that came late (1), if there are any: how many, of how many
-- instruments, and the name of the instrument with the most.
SELECT sum(g.points) AS points, count(*) AS instruments, g.name, g.is_late, max(g.points) AS most
FROM (
  SELECT i.name, j.value AS is_late, sum(iif(j.value, m.late_points, m.refused_points)) AS points
  FROM _metric_series AS m
  CROSS JOIN _instruments AS i ON i.id = m.instrument
  CROSS JOIN json_each('[0, 1]') AS j
  GROUP BY i.id, j.value
  HAVING points > 0
) AS g
GROUP BY g.is_late
ORDER BY g.is_late;
