-- Removes some of the chosen exemplars, at most :limit.
DELETE FROM _exemplars
WHERE (series, point_time_unix_nano, point_start_time_unix_nano, ordinal) IN (
  SELECT e.series, e.point_time_unix_nano, e.point_start_time_unix_nano, e.ordinal
  FROM temp._chosen_exemplars AS c
  CROSS JOIN _exemplars AS e ON e.series = c.series AND e.point_time_unix_nano = c.point_time_unix_nano
    AND e.point_start_time_unix_nano = c.point_start_time_unix_nano AND e.ordinal = c.ordinal
  LIMIT :limit
);
