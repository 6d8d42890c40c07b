-- Removes points that others stand for now, and notes up to when their series have one an hour. :keys is an array of [is_sorted,
-- series, time, start time]; :moved of [series, time, start time, start time of the point that stands for it]: it has the exemplars
-- of that one, and the other exemplars go. :series is an array of [series, whole hour].
DELETE FROM _exemplars
WHERE (series, point_time_unix_nano, point_start_time_unix_nano, ordinal) IN (
  SELECT e.series, e.point_time_unix_nano, e.point_start_time_unix_nano, e.ordinal
  FROM json_each(:keys) AS w
  CROSS JOIN _exemplars AS e ON e.series = w.value ->> 1
    AND e.point_time_unix_nano = w.value ->> 2 AND e.point_start_time_unix_nano = w.value ->> 3
) AND (series, point_time_unix_nano, point_start_time_unix_nano) NOT IN (
  SELECT w.value ->> 0, w.value ->> 1, w.value ->> 2 FROM json_each(:moved) AS w
);
UPDATE _exemplars
SET point_start_time_unix_nano = w.value ->> 3
FROM json_each(:moved) AS w
WHERE w.value ->> 2 <> w.value ->> 3 AND series = w.value ->> 0
  AND point_time_unix_nano = w.value ->> 1 AND point_start_time_unix_nano = w.value ->> 2;
DELETE FROM _metric_points
WHERE (is_sorted, series, time_unix_nano, start_time_unix_nano) IN (
  SELECT w.value ->> 0, w.value ->> 1, w.value ->> 2, w.value ->> 3 FROM json_each(:keys) AS w
);
UPDATE _metric_series AS m
SET
  hourly_until_unix_nano = max(m.hourly_until_unix_nano, w.value ->> 1),
  copied_since_unix_nano = iif(w.value ->> 1 < m.hourly_until_unix_nano, w.value ->> 1, NULL)
FROM json_each(:series) AS w
WHERE m.id = w.value ->> 0;
