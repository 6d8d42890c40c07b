CREATE VIEW metric_points AS
-- One row for each data point. start_time is when counting began, NULL where that is not known. value is that of a gauge or
-- sum; count, sum, min, max and buckets are those of a histogram or summary. value_type is integer, real, nan (value is
-- NULL), or large (an integer beyond 64 bits; value is the nearest double).
-- delta, count_delta and sum_delta are what came since the point before: of a delta metric what the point says, of a
-- cumulative one the difference. Of a first point whose start is not known, or is its own time, that is not known: NULL. change says what is
-- special: first, the series has no earlier point; reset, a cumulative count started again; gap or overlap, a point of a delta
-- metric does not begin where the one before it ends.
-- raw_points: of how many points a row is made that stands for an hour, NULL for a point as it came. Of a gauge, min, max and
-- sum are then those of its values. 0: the points before it were removed, and it stays because later ones are counted from it;
-- its own delta is not known.
SELECT
  i.name,
  i.kind,
  i.unit,
  i.temporality,
  i.is_monotonic,
  m.id AS series_id,
  r.service_name,
  m.session_id,
  m.user_id,
  c.name AS scope_name,
  c.version AS scope_version,
  nullif(p.start_time_unix_nano, 0) AS start_time_unix_nano,
  p.time_unix_nano,
  iif(p.start_time_unix_nano = 0, NULL, strftime('%Y-%m-%dT%H:%M:%S', p.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', p.start_time_unix_nano / 1000 % 1000000)) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', p.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', p.time_unix_nano / 1000 % 1000000) AS time,
  coalesce(p.time_source, 'point') AS time_source,
  p.flags,
  p.value,
  p.value_type,
  CASE
    WHEN i.kind <> 'sum' OR i.temporality IS NULL OR p.value IS NULL THEN NULL
    WHEN i.temporality = 'delta' THEN p.value
    ELSE (
      SELECT CASE
        WHEN was.before IS NULL THEN iif(p.start_time_unix_nano BETWEEN 1 AND p.time_unix_nano - 1 AND p.raw_points IS NOT 0, p.value, NULL)
        WHEN i.is_monotonic = 1 AND p.value < was.before THEN p.value
        ELSE p.value - was.before
      END
      FROM (SELECT p.previous_value AS before LIMIT 1) AS was
    )
  END AS delta,
  p.value_count AS count,
  CASE
    WHEN p.value_count IS NULL OR (i.temporality IS NULL AND i.kind <> 'summary') THEN NULL
    WHEN i.temporality = 'delta' THEN p.value_count
    ELSE (
      SELECT CASE
        WHEN was.before IS NULL THEN iif(p.start_time_unix_nano BETWEEN 1 AND p.time_unix_nano - 1 AND p.raw_points IS NOT 0, p.value_count, NULL)
        WHEN p.value_count < was.before THEN p.value_count
        ELSE p.value_count - was.before
      END
      FROM (SELECT p.previous_value_count AS before LIMIT 1) AS was
    )
  END AS count_delta,
  p.sum,
  CASE
    WHEN p.sum IS NULL OR (i.temporality IS NULL AND i.kind <> 'summary') THEN NULL
    WHEN i.temporality = 'delta' THEN p.sum
    ELSE (
      SELECT CASE
        WHEN was.before IS NULL THEN iif(p.start_time_unix_nano BETWEEN 1 AND p.time_unix_nano - 1 AND p.raw_points IS NOT 0, p.sum, NULL)
        WHEN p.value_count < was.count_before THEN p.sum
        ELSE p.sum - was.before
      END
      FROM (SELECT p.previous_sum AS before, p.previous_sum_count AS count_before LIMIT 1) AS was
    )
  END AS sum_delta,
  p.min,
  p.max,
  CASE i.kind
    WHEN 'histogram' THEN json_object('bounds', json((SELECT b.bounds FROM _histogram_bounds AS b WHERE b.id = p.bounds)), 'counts', json(p.buckets))
    WHEN 'exponential_histogram' THEN json_object(
      'scale', p.buckets -> 0, 'zero_count', p.buckets -> 1, 'zero_threshold', p.buckets -> 2,
      'positive', iif(p.buckets ->> 4 IS NULL, NULL, json_object('offset', p.buckets -> 3, 'counts', p.buckets -> 4)),
      'negative', iif(p.buckets ->> 6 IS NULL, NULL, json_object('offset', p.buckets -> 5, 'counts', p.buckets -> 6))
    )
    WHEN 'summary' THEN (SELECT json_group_array(json_object('quantile', q.value -> 0, 'value', q.value -> 1)) FROM json_each(p.buckets) AS q)
  END AS buckets,
  CASE
    WHEN p.previous_time_unix_nano IS NULL THEN 'first'
    WHEN i.temporality = 'delta' THEN (
      SELECT CASE WHEN p.start_time_unix_nano > was.before THEN 'gap' WHEN p.start_time_unix_nano BETWEEN 1 AND was.before - 1 THEN 'overlap' END
      FROM (SELECT p.previous_time_unix_nano AS before LIMIT 1) AS was
    )
    WHEN i.temporality = 'cumulative' AND coalesce(p.value, p.value_count) IS NOT NULL THEN (
      SELECT iif(was.before IS NULL OR ((i.is_monotonic = 1 OR i.kind <> 'sum') AND coalesce(p.value, p.value_count) < was.before), 'reset', NULL)
      FROM (SELECT iif(i.kind = 'sum', p.previous_value, p.previous_value_count) AS before LIMIT 1) AS was
    )
  END AS change,
  p.raw_points,
  m.attribute_types,
  m.attributes
FROM _instruments AS i
JOIN _metric_series AS m ON m.instrument = i.id
JOIN _resources AS r ON r.id = m.resource
LEFT JOIN _scopes AS c ON c.id = i.scope
CROSS JOIN _point_numbers AS p ON p.series = m.id;
