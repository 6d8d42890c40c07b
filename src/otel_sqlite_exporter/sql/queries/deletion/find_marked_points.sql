-- The next series of which the run :deletion is to remove points, as a JSON array of [id of the mark, series, first time, time after the
-- last of a first part of the points, how many these are, whether that is all]. A part has no more than about :most points.
WITH
  marks AS MATERIALIZED (
    SELECT d.id, d.series, ifnull(d.since_unix_nano, -9.3e18) AS since, ifnull(d.until_unix_nano, 9.3e18) AS until
    FROM _deletion_series AS d
    WHERE d.deletion = :deletion
    ORDER BY d.id
    LIMIT :limit
  ),
  parts AS MATERIALIZED (
    SELECT k.*, (
      -- Of a time with many points, all go.
      SELECT max(p.time_unix_nano, 1 + (
        SELECT min(f.time_unix_nano) FROM _metric_points AS f
        WHERE f.is_sorted = 1 AND f.series = k.series AND f.time_unix_nano >= k.since
      ))
      FROM _metric_points AS p
      WHERE p.is_sorted = 1 AND p.series = k.series AND p.time_unix_nano >= k.since AND p.time_unix_nano < k.until
      ORDER BY p.time_unix_nano
      LIMIT 1 OFFSET :most
    ) AS before
    FROM marks AS k
  )
SELECT json_group_array(json_array(
  c.id,
  c.series,
  c.since,
  ifnull(c.before, c.until),
  (
    SELECT count(*) FROM _metric_points AS p
    WHERE p.is_sorted IN (0, 1) AND p.series = c.series AND p.time_unix_nano >= c.since
      AND p.time_unix_nano < ifnull(c.before, c.until)
  ),
  c.before IS NULL
))
FROM parts AS c;
