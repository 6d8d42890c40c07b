-- The time of the oldest point of these series that may go, NULL: there is none. :series is an array of ids.
SELECT min(coalesce(
  (SELECT p.time_unix_nano FROM _metric_points AS p WHERE p.is_sorted = 1 AND p.series = w.value AND p.raw_points IS NOT 0 ORDER BY p.time_unix_nano LIMIT 1),
  (SELECT p.time_unix_nano FROM _metric_points AS p WHERE p.is_sorted = 0 AND p.series = w.value AND p.raw_points IS NOT 0 ORDER BY p.time_unix_nano LIMIT 1)
))
FROM json_each(:series) AS w;
