-- The days (UTC, since 1970-01-01) from :since to :until (nanoseconds) that have data points, in order. Plan: two searches for each
-- series and such day.
WITH RECURSIVE days (day) AS (
  SELECT min(ifnull(
    (
      SELECT min(p.time_unix_nano) FROM _metric_points AS p
      WHERE p.is_sorted = 1 AND p.series = m.id AND p.time_unix_nano >= :since AND p.time_unix_nano < :until
    ),
    (
      SELECT min(p.time_unix_nano) FROM _metric_points AS p
      WHERE p.is_sorted = 0 AND p.series = m.id AND p.time_unix_nano >= :since AND p.time_unix_nano < :until
    )
  )) / 86400000000000
  FROM _metric_series AS m
  UNION ALL
  SELECT (
    SELECT min(ifnull(
      (
        SELECT min(p.time_unix_nano) FROM _metric_points AS p
        WHERE p.is_sorted = 1 AND p.series = m.id AND p.time_unix_nano >= (d.day + 1) * 86400000000000
          AND p.time_unix_nano < :until
      ),
      (
        SELECT min(p.time_unix_nano) FROM _metric_points AS p
        WHERE p.is_sorted = 0 AND p.series = m.id AND p.time_unix_nano >= (d.day + 1) * 86400000000000
          AND p.time_unix_nano < :until
      )
    )) / 86400000000000
    FROM _metric_series AS m
  )
  FROM days AS d
  WHERE d.day IS NOT NULL
)
SELECT day FROM days WHERE day IS NOT NULL;
