-- About how many points the file has: as many as a few hundred series have on average, each.
WITH
  series AS MATERIALIZED (SELECT count(*) AS number FROM _metric_series),
  sampled AS MATERIALIZED (
    SELECT (SELECT count(*) FROM _metric_points AS p WHERE p.is_sorted IN (0, 1) AND p.series = m.id) AS points
    FROM _metric_series AS m
    WHERE m.id % (1 + (SELECT s.number FROM series AS s) / 256) = 0
  )
SELECT CAST(ifnull((SELECT avg(n.points) FROM sampled AS n) * (SELECT s.number FROM series AS s), 0) AS INTEGER);
