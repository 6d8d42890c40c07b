-- Notes up to when a series of another file has one point an hour, and what came late or was refused there: the larger number of
-- both files stays. Where the first is another one now, points as they came may be before it.
UPDATE _metric_series AS m
SET
  copied_since_unix_nano = iif(
    :hourly_until > m.hourly_until_unix_nano AND EXISTS (
      SELECT 1 FROM _metric_points AS p
      WHERE p.is_sorted IN (0, 1) AND p.series = m.id AND p.time_unix_nano >= m.hourly_until_unix_nano
        AND p.time_unix_nano < :hourly_until AND p.raw_points IS NULL
    ),
    ifnull(m.copied_since_unix_nano, m.hourly_until_unix_nano),
    m.copied_since_unix_nano
  ),
  hourly_until_unix_nano = max(m.hourly_until_unix_nano, :hourly_until),
  late_points = max(m.late_points, :late),
  refused_points = max(m.refused_points, :refused)
WHERE m.digest = :digest AND (
  :hourly_until > m.hourly_until_unix_nano OR :late > m.late_points OR :refused > m.refused_points
);
