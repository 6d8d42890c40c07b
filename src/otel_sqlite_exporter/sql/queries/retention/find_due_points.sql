-- What may go of some series of points before the time :before, as a JSON array of [series, time before which it is, how many points
-- that are, [[time, start], ...]]. The last ones stay though they are before it: of each start of a cumulative count that has later
-- points, the last point with a value, with a number of values, and with their sum. No more than about :most points of a series,
-- the first ones. :series is an array of ids.
WITH
  parts AS MATERIALIZED (
    SELECT
      m.id AS series,
      i.temporality IS 'cumulative' OR i.kind = 'summary' AS is_cumulative,
      ifnull(
        (
          -- Of a time with many points, all go.
          SELECT max(p.time_unix_nano, 1 + (
            SELECT min(f.time_unix_nano) FROM _metric_points AS f WHERE f.is_sorted = 1 AND f.series = m.id
          ))
          FROM _metric_points AS p
          WHERE p.is_sorted = 1 AND p.series = m.id AND p.time_unix_nano < :before
          ORDER BY p.time_unix_nano
          LIMIT 1 OFFSET :most
        ),
        :before
      ) AS before
    FROM json_each(:series) AS w
    CROSS JOIN _metric_series AS m ON m.id = w.value
    CROSS JOIN _instruments AS i ON i.id = m.instrument
  ),
  due AS MATERIALIZED (
    SELECT
      c.series,
      c.before,
      (
        SELECT count(*) FROM _metric_points AS p
        WHERE p.is_sorted IN (0, 1) AND p.series = c.series AND p.time_unix_nano < c.before
      ) AS points,
      iif(c.is_cumulative, (
        SELECT json_group_array(json_array(k.time_unix_nano, k.start_time_unix_nano))
        FROM (
          SELECT DISTINCT t.value AS time_unix_nano, g.start_time_unix_nano
          FROM (
            SELECT
              p.start_time_unix_nano,
              max(iif(typeof(p.value) IN ('integer', 'real'), p.time_unix_nano, NULL)) AS value_time,
              max(iif(typeof(p.value_count) IN ('integer', 'real'), p.time_unix_nano, NULL)) AS count_time,
              max(iif(typeof(p.sum) IN ('integer', 'real'), p.time_unix_nano, NULL)) AS sum_time
            FROM _metric_points AS p
            WHERE p.is_sorted IN (0, 1) AND p.series = c.series AND p.time_unix_nano < c.before
            GROUP BY p.start_time_unix_nano
          ) AS g
          CROSS JOIN json_each(json_array(g.value_time, g.count_time, g.sum_time)) AS t
          WHERE t.value IS NOT NULL AND EXISTS (
            SELECT 1 FROM _metric_points AS q
            WHERE q.is_sorted IN (0, 1) AND q.series = c.series AND q.time_unix_nano >= c.before
              AND q.start_time_unix_nano = g.start_time_unix_nano
          )
        ) AS k
      ), '[]') AS kept
    FROM parts AS c
  )
SELECT json_group_array(json_array(d.series, d.before, d.points - json_array_length(d.kept), json(d.kept)))
FROM due AS d
WHERE d.points > json_array_length(d.kept);
