-- How many points came before the time :until (a whole hour) and stand for themselves, and of how many hours of series they are.
-- :services is an array of services (empty: all).
SELECT ifnull(sum(g.points), 0) AS points, count(*) AS hours
FROM (
  SELECT count(*) AS points
  FROM _metric_series AS m
  CROSS JOIN _metric_points AS p ON p.is_sorted IN (0, 1) AND p.series = m.id
    AND p.time_unix_nano >= coalesce(m.copied_since_unix_nano, m.hourly_until_unix_nano) AND p.time_unix_nano < :until
  WHERE p.raw_points IS NULL AND (:services = '[]' OR (SELECT r.service_name FROM _resources AS r WHERE r.id = m.resource) IN (
    SELECT j.value FROM json_each(:services) AS j
  ))
  GROUP BY m.id, p.time_unix_nano / 3600000000000
) AS g;
