-- Of the next series, those with points as they came before the time :until (a whole hour), as a JSON array of [series, first time,
-- time after the last of a first part of them, how many points are in that, kind, temporality, is_monotonic]; and the last of the
-- next series (NULL: there is none). A part has no more than about :most points as they came, and what stands for those before them
-- in an hour that has been begun. :after is the last series before, :limit how many are looked at, :services an array of services
-- (empty: all).
WITH
  looked AS MATERIALIZED (
    SELECT m.id, m.instrument, m.resource, coalesce(m.copied_since_unix_nano, m.hourly_until_unix_nano) AS since
    FROM _metric_series AS m
    WHERE m.id > :after
    ORDER BY m.id
    LIMIT :limit
  ),
  first AS MATERIALIZED (
    SELECT n.id, n.instrument, n.since, coalesce(
      (
        SELECT p.time_unix_nano FROM _metric_points AS p
        WHERE p.is_sorted = 1 AND p.series = n.id AND p.time_unix_nano >= n.since AND p.time_unix_nano < :until
          AND p.raw_points IS NULL
        ORDER BY p.time_unix_nano
        LIMIT 1
      ),
      (
        SELECT p.time_unix_nano FROM _metric_points AS p
        WHERE p.is_sorted = 0 AND p.series = n.id AND p.time_unix_nano >= n.since AND p.time_unix_nano < :until
          AND p.raw_points IS NULL
        ORDER BY p.time_unix_nano
        LIMIT 1
      )
    ) AS time_unix_nano
    FROM looked AS n
    WHERE n.since < :until AND (:services = '[]' OR (SELECT r.service_name FROM _resources AS r WHERE r.id = n.resource) IN (
      SELECT j.value FROM json_each(:services) AS j
    ))
  ),
  due AS MATERIALIZED (
    SELECT f.id, f.instrument, f.since, ifnull((
      -- Of a time with many points, all are in the part.
      SELECT max(p.time_unix_nano, f.time_unix_nano + 1) FROM _metric_points AS p
      WHERE p.is_sorted = 1 AND p.series = f.id AND p.time_unix_nano >= f.time_unix_nano AND p.time_unix_nano < :until
        AND p.raw_points IS NULL
      ORDER BY p.time_unix_nano
      LIMIT 1 OFFSET :most
    ), :until) AS before
    FROM first AS f
    WHERE f.time_unix_nano IS NOT NULL
  )
SELECT
  (
    SELECT json_group_array(json_array(
      d.id,
      d.since,
      d.before,
      (
        SELECT count(*) FROM _metric_points AS p
        WHERE p.is_sorted IN (0, 1) AND p.series = d.id AND p.time_unix_nano >= d.since AND p.time_unix_nano < d.before
      ),
      i.kind,
      i.temporality,
      i.is_monotonic
    ))
    FROM due AS d
    CROSS JOIN _instruments AS i ON i.id = d.instrument
  ) AS series,
  (SELECT max(n.id) FROM looked AS n) AS last;
