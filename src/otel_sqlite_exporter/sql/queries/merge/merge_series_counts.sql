-- Notes up to when series of another file have one point an hour, and what came late or was refused there: the larger number of both
-- files stays. Where the first is another one now, points as they came may be before it. :counts is an array of [digest, until when,
-- late points, refused points].
UPDATE _metric_series AS m
SET
  copied_since_unix_nano = iif(
    w.value ->> 1 > m.hourly_until_unix_nano AND EXISTS (
      SELECT 1 FROM _metric_points AS p
      WHERE p.is_sorted IN (0, 1) AND p.series = m.id AND p.time_unix_nano >= m.hourly_until_unix_nano
        AND p.time_unix_nano < w.value ->> 1 AND p.raw_points IS NULL
    ),
    ifnull(m.copied_since_unix_nano, m.hourly_until_unix_nano),
    m.copied_since_unix_nano
  ),
  hourly_until_unix_nano = max(m.hourly_until_unix_nano, w.value ->> 1),
  late_points = max(m.late_points, w.value ->> 2),
  refused_points = max(m.refused_points, w.value ->> 3)
FROM json_each(:counts) AS w
WHERE m.digest = w.value ->> 0 AND (
  w.value ->> 1 > m.hourly_until_unix_nano OR w.value ->> 2 > m.late_points OR w.value ->> 3 > m.refused_points
);
