CREATE VIEW _series_times AS
-- One row for each series: the times of its first and its last point. Private.
SELECT
  m.id AS series,
  m.instrument,
  coalesce(
      (SELECT min(p.time_unix_nano) FROM _metric_points AS p WHERE p.is_sorted = 1 AND p.series = m.id),
      (SELECT min(p.time_unix_nano) FROM _metric_points AS p WHERE p.is_sorted = 0 AND p.series = m.id)
    ) AS first_time_unix_nano,
  coalesce(
      (SELECT max(p.time_unix_nano) FROM _metric_points AS p WHERE p.is_sorted = 0 AND p.series = m.id),
      (SELECT max(p.time_unix_nano) FROM _metric_points AS p WHERE p.is_sorted = 1 AND p.series = m.id)
    ) AS last_time_unix_nano
FROM _metric_series AS m;
