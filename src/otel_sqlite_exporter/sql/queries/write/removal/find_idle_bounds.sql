-- The bounds that the last points of no series have, as a JSON array of ids: few others are in use.
SELECT json_group_array(b.id)
FROM _histogram_bounds AS b
WHERE b.id NOT IN (
  SELECT l.bounds
  FROM (
    SELECT coalesce(
      (SELECT p.bounds FROM _metric_points AS p WHERE p.is_sorted = 0 AND p.series = m.id ORDER BY p.time_unix_nano DESC LIMIT 1),
      (SELECT p.bounds FROM _metric_points AS p WHERE p.is_sorted = 1 AND p.series = m.id ORDER BY p.time_unix_nano DESC LIMIT 1)
    ) AS bounds
    FROM _instruments AS i
    CROSS JOIN _metric_series AS m ON m.instrument = i.id
    WHERE i.kind = 'histogram'
  ) AS l
  WHERE l.bounds IS NOT NULL
);
