-- Each data point once. Of an hour that a part has as one point, all points are of the part that has more in it. Of two rows of a
-- point, that counts which knows a point before it. Where parts share a series, what came since the point before is made again,
-- by the rules of the view metric_points of a file, as far as that point is on this day. Integers are counted exactly: one that a
-- double does not hold is in _point.
WITH
  hours AS (
    SELECT
      u.series_id, u.time_unix_nano // 3600000000000 AS hour, u._part, bool_or(u.raw_points > 0) AS is_made,
      sum(coalesce(u.raw_points, 1)) AS points, count(*) AS rows
    FROM united AS u
    GROUP BY u.series_id, u.time_unix_nano // 3600000000000, u._part
  ),
  chosen AS (
    SELECT h.series_id, h.hour, arg_max(h._part, (h.points, h.rows, h._part)) AS _part
    FROM hours AS h
    GROUP BY h.series_id, h.hour
    HAVING bool_or(h.is_made) AND count(*) > 1
  ),
  points AS (
    SELECT u.*
    FROM united AS u
    LEFT JOIN chosen AS c ON c.series_id = u.series_id AND c.hour = u.time_unix_nano // 3600000000000
    WHERE c._part IS NULL OR c._part = u._part
    QUALIFY row_number() OVER (
      PARTITION BY u.series_id, u.time_unix_nano, u.start_time_unix_nano
      ORDER BY coalesce(u.raw_points, 1) = 0, coalesce(u.change, '') = 'first', u._part DESC
    ) = 1
  ),
  numbers AS (
    SELECT
      p.*,
      CASE WHEN p.value_type = 'integer' THEN coalesce(TRY_CAST(p._point ->> '$[0]' AS HUGEINT), TRY_CAST(p.value AS HUGEINT)) END AS whole
    FROM points AS p
  ),
  shared AS (
    SELECT u.series_id FROM united AS u GROUP BY u.series_id HAVING min(u._part) <> max(u._part)
  ),
  found AS (
    SELECT
      p.*,
      last_value(
        CASE
          WHEN p.value_type IN ('integer', 'real') AND isfinite(p.value)
          THEN {'number': p.value, 'whole': p.whole, 'time': p.time_unix_nano}
        END
        IGNORE NULLS
      ) OVER before AS last_value,
      last_value(CASE WHEN p.count IS NOT NULL THEN {'number': p.count, 'time': p.time_unix_nano} END IGNORE NULLS)
        OVER before AS last_count,
      last_value(
        CASE WHEN isfinite(p.sum) THEN {'number': p.sum, 'count': coalesce(p.count, 0), 'time': p.time_unix_nano} END
        IGNORE NULLS
      ) OVER before AS last_sum,
      max(p.time_unix_nano) OVER (
        PARTITION BY p.series_id ORDER BY p.time_unix_nano RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS time_before,
      -- A point before the time at which counting began is of no use for one after it.
      CASE WHEN p.start_time_unix_nano < p.time_unix_nano THEN p.start_time_unix_nano ELSE 0 END AS counts_since
    FROM numbers AS p
    SEMI JOIN shared AS s ON s.series_id = p.series_id
    WINDOW before AS (
      PARTITION BY p.series_id, p.start_time_unix_nano ORDER BY p.time_unix_nano
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
  ),
  compared AS (
    SELECT
      f.* EXCLUDE (last_value, last_count, last_sum, counts_since),
      CASE WHEN f.last_value.time >= f.counts_since THEN f.last_value.number END AS value_before,
      CASE WHEN f.last_value.time >= f.counts_since THEN f.last_value.whole END AS whole_before,
      CASE WHEN f.last_count.time >= f.counts_since THEN f.last_count.number END AS count_before,
      CASE WHEN f.last_sum.time >= f.counts_since THEN f.last_sum.number END AS sum_before,
      CASE WHEN f.last_sum.time >= f.counts_since THEN f.last_sum.count END AS count_of_sum_before
    FROM found AS f
  ),
  made AS (
    SELECT
      c.* EXCLUDE (value_before, whole_before, whole, count_before, sum_before, count_of_sum_before, time_before) REPLACE (
        CASE
          WHEN c.kind <> 'sum' OR c.temporality IS DISTINCT FROM 'cumulative' OR c.value IS NULL OR c.value_before IS NULL THEN c.delta
          WHEN c.is_monotonic = 1 AND c.has_fallen THEN c.value
          ELSE coalesce(CAST(c.whole - c.whole_before AS DOUBLE), c.value - c.value_before)
        END AS delta,
        CASE
          WHEN NOT c.counts_all OR c.count IS NULL OR c.count_before IS NULL THEN c.count_delta
          WHEN c.count < c.count_before THEN c.count
          ELSE c.count - c.count_before
        END AS count_delta,
        CASE
          WHEN NOT c.counts_all OR c.sum IS NULL OR c.sum_before IS NULL THEN c.sum_delta
          WHEN c.count < c.count_of_sum_before THEN c.sum
          ELSE c.sum - c.sum_before
        END AS sum_delta,
        CASE
          WHEN c.time_before IS NULL THEN c.change
          WHEN c.temporality = 'delta' THEN CASE
            WHEN c.start_time_unix_nano > c.time_before THEN 'gap'
            WHEN c.start_time_unix_nano < c.time_before THEN 'overlap'
          END
          WHEN c.temporality = 'cumulative' AND coalesce(c.value, c.count) IS NOT NULL THEN CASE
            WHEN c.number_before IS NULL THEN CASE WHEN c.change = 'first' THEN 'reset' ELSE c.change END
            WHEN (c.is_monotonic = 1 OR c.kind <> 'sum') AND c.has_fallen THEN 'reset'
          END
        END AS change
      )
    FROM (
      SELECT
        n.*,
        n.temporality IS NOT DISTINCT FROM 'cumulative' OR n.kind = 'summary' AS counts_all,
        CASE WHEN n.kind = 'sum' THEN n.value_before ELSE n.count_before END AS number_before,
        CASE
          WHEN n.kind = 'sum' THEN coalesce(n.whole < n.whole_before, n.value < n.value_before)
          ELSE n.count < n.count_before
        END AS has_fallen
      FROM compared AS n
    ) AS c
  ),
  everything AS (
    SELECT p.* FROM points AS p ANTI JOIN shared AS s ON s.series_id = p.series_id
    UNION ALL BY NAME
    SELECT m.* EXCLUDE (counts_all, number_before, has_fallen) FROM made AS m
  )
SELECT e.* EXCLUDE (_part)
FROM everything AS e
ORDER BY e.name, e.service_name, e.series_id, e.time_unix_nano, e.start_time_unix_nano NULLS FIRST;
