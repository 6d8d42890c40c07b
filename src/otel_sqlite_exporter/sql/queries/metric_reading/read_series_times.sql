-- Of each of these series: the time and the start of its first point, and the time of its last.
SELECT
  s.value AS series,
  f.time_unix_nano AS first_time,
  f.start_time_unix_nano AS first_start,
  t.last_time_unix_nano AS last_time
FROM json_each(:series) AS s
CROSS JOIN _series_times AS t ON t.series = s.value
CROSS JOIN _metric_points AS f
  ON f.is_sorted IN (0, 1) AND f.series = s.value AND f.time_unix_nano = t.first_time_unix_nano
