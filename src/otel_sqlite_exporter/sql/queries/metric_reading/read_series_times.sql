-- Of each of these series: the time of its first point, the earliest start that one of the first points says, and the time of
-- the last.
SELECT
  s.value AS series,
  t.first_time_unix_nano AS first_time,
  coalesce(
    (
      SELECT min(f.start_time_unix_nano)
      FROM (
        SELECT p.start_time_unix_nano
        FROM _metric_points AS p
        WHERE p.is_sorted = 1 AND p.series = s.value
        ORDER BY p.time_unix_nano
        LIMIT 16
      ) AS f
      WHERE f.start_time_unix_nano > 0
    ),
    (
      SELECT min(f.start_time_unix_nano)
      FROM (
        SELECT p.start_time_unix_nano
        FROM _metric_points AS p
        WHERE p.is_sorted = 0 AND p.series = s.value
        ORDER BY p.time_unix_nano
        LIMIT 16
      ) AS f
      WHERE f.start_time_unix_nano > 0
    )
  ) AS first_start,
  t.last_time_unix_nano AS last_time
FROM json_each(:series) AS s
CROSS JOIN _series_times AS t ON t.series = s.value
WHERE t.first_time_unix_nano IS NOT NULL
