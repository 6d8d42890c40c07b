-- Chooses the series that the selectors :kinds match (0: all), of the services :services (NULL: of all), with points in a range of
-- time, from :since on, before :until (NULL: no end).
INSERT INTO temp._chosen_series (series, points)
SELECT c.series, c.points
FROM (
  SELECT m.id AS series, (
    SELECT count(*) FROM _metric_points AS p
    WHERE p.is_sorted IN (0, 1) AND p.series = m.id AND p.time_unix_nano >= ifnull(:since, -9.3e18) AND p.time_unix_nano < ifnull(:until, 9.3e18)
  ) AS points
  FROM _metric_series AS m
  WHERE (:kinds = 0 OR EXISTS (SELECT 1 FROM temp._matched_series AS s WHERE s.series = m.id AND s.kinds & :kinds = :kinds))
    AND (:services IS NULL OR m.resource IN (
      SELECT r.id FROM _resources AS r WHERE r.service_name IN (SELECT n.value FROM json_each(:services) AS n)
    ))
) AS c
WHERE c.points > 0;
