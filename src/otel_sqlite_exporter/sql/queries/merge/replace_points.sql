-- Removes points, with their exemplars, that others stand for which are merged. :points is an array of [digest of the series, time,
-- start time].
DELETE FROM _exemplars
WHERE (series, point_time_unix_nano, point_start_time_unix_nano, ordinal) IN (
  SELECT e.series, e.point_time_unix_nano, e.point_start_time_unix_nano, e.ordinal
  FROM json_each(:points) AS w
  CROSS JOIN _metric_series AS m ON m.digest = w.value ->> 0
  CROSS JOIN _exemplars AS e ON e.series = m.id
    AND e.point_time_unix_nano = w.value ->> 1 AND e.point_start_time_unix_nano = w.value ->> 2
);
DELETE FROM _metric_points
WHERE (is_sorted, series, time_unix_nano, start_time_unix_nano) IN (
  SELECT s.value, m.id, w.value ->> 1, w.value ->> 2
  FROM json_each(:points) AS w
  CROSS JOIN _metric_series AS m ON m.digest = w.value ->> 0
  CROSS JOIN json_each('[0, 1]') AS s
);
