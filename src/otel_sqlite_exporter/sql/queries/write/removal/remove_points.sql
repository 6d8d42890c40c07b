-- Removes points with their exemplars. :cuts is an array of [series, first time, time after the last]: all points of the series in
-- this range go but for those in :kept, an array of [series, time, start], from which later ones are counted. The exemplars of these
-- go too.
DELETE FROM _exemplars
WHERE (series, point_time_unix_nano, point_start_time_unix_nano, ordinal) IN (
  SELECT e.series, e.point_time_unix_nano, e.point_start_time_unix_nano, e.ordinal
  FROM json_each(:cuts) AS w
  CROSS JOIN _exemplars AS e ON e.series = w.value ->> 0
    AND e.point_time_unix_nano >= w.value ->> 1 AND e.point_time_unix_nano < w.value ->> 2
);
DELETE FROM _metric_points
WHERE (is_sorted, series, time_unix_nano, start_time_unix_nano) IN (
  SELECT p.is_sorted, p.series, p.time_unix_nano, p.start_time_unix_nano
  FROM json_each(:cuts) AS w
  CROSS JOIN _metric_points AS p ON p.is_sorted IN (0, 1) AND p.series = w.value ->> 0
    AND p.time_unix_nano >= w.value ->> 1 AND p.time_unix_nano < w.value ->> 2
  WHERE (p.series, p.time_unix_nano, p.start_time_unix_nano) NOT IN (
    SELECT k.value ->> 0, k.value ->> 1, k.value ->> 2 FROM json_each(:kept) AS k
  )
);
UPDATE _metric_points
SET raw_points = 0
WHERE raw_points IS NOT 0 AND (is_sorted, series, time_unix_nano, start_time_unix_nano) IN (
  SELECT s.value, k.value ->> 0, k.value ->> 1, k.value ->> 2
  FROM json_each(:kept) AS k
  CROSS JOIN json_each('[0, 1]') AS s
);
