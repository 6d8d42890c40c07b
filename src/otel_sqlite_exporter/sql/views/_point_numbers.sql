CREATE VIEW _point_numbers AS
-- One row for each data point: its numbers, and what the point before it says. previous_value, previous_value_count and previous_sum
-- are of the last earlier point of the same series and start that has that number, previous_sum_count is the count of the
-- point of previous_sum, previous_time_unix_nano is of the last earlier point of the series. A search goes back over all
-- points without the number, so ask for one only where the point itself has it. A column that no one asks for is not read.
-- Private.
SELECT
  p.series,
  p.time_unix_nano,
  p.start_time_unix_nano,
  p.time_source,
  p.flags,
  iif(typeof(p.value) <> 'text', p.value, CASE p.value WHEN 'NaN' THEN NULL WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 ELSE CAST(p.value AS REAL) END) AS value,
  CASE typeof(p.value) WHEN 'null' THEN NULL WHEN 'text' THEN iif(p.value = 'NaN', 'nan', iif(p.value LIKE '%Infinity', 'real', 'large')) ELSE typeof(p.value) END AS value_type,
  iif(typeof(p.value_count) <> 'text', p.value_count, CASE p.value_count WHEN 'NaN' THEN NULL WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 ELSE CAST(p.value_count AS REAL) END) AS value_count,
  iif(typeof(p.sum) <> 'text', p.sum, CASE p.sum WHEN 'NaN' THEN NULL WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 ELSE CAST(p.sum AS REAL) END) AS sum,
  iif(typeof(p.min) <> 'text', p.min, CASE p.min WHEN 'NaN' THEN NULL WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 ELSE CAST(p.min AS REAL) END) AS min,
  iif(typeof(p.max) <> 'text', p.max, CASE p.max WHEN 'NaN' THEN NULL WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 ELSE CAST(p.max AS REAL) END) AS max,
  p.bounds,
  p.buckets,
  p.raw_points,
  coalesce(
    (SELECT q.value FROM _metric_points AS q WHERE q.is_sorted = 0 AND q.series = p.series AND q.time_unix_nano < p.time_unix_nano
     AND q.time_unix_nano >= iif(p.start_time_unix_nano < p.time_unix_nano, p.start_time_unix_nano, 0)
     AND q.start_time_unix_nano = p.start_time_unix_nano AND typeof(q.value) IN ('integer', 'real') ORDER BY q.time_unix_nano DESC LIMIT 1),
    (SELECT q.value FROM _metric_points AS q WHERE q.is_sorted = 1 AND q.series = p.series AND q.time_unix_nano < p.time_unix_nano
     AND q.time_unix_nano >= iif(p.start_time_unix_nano < p.time_unix_nano, p.start_time_unix_nano, 0)
     AND q.start_time_unix_nano = p.start_time_unix_nano AND typeof(q.value) IN ('integer', 'real') ORDER BY q.time_unix_nano DESC LIMIT 1)
  ) AS previous_value,
  coalesce(
    (SELECT q.value_count FROM _metric_points AS q WHERE q.is_sorted = 0 AND q.series = p.series AND q.time_unix_nano < p.time_unix_nano
     AND q.time_unix_nano >= iif(p.start_time_unix_nano < p.time_unix_nano, p.start_time_unix_nano, 0)
     AND q.start_time_unix_nano = p.start_time_unix_nano AND typeof(q.value_count) IN ('integer', 'real') ORDER BY q.time_unix_nano DESC LIMIT 1),
    (SELECT q.value_count FROM _metric_points AS q WHERE q.is_sorted = 1 AND q.series = p.series AND q.time_unix_nano < p.time_unix_nano
     AND q.time_unix_nano >= iif(p.start_time_unix_nano < p.time_unix_nano, p.start_time_unix_nano, 0)
     AND q.start_time_unix_nano = p.start_time_unix_nano AND typeof(q.value_count) IN ('integer', 'real') ORDER BY q.time_unix_nano DESC LIMIT 1)
  ) AS previous_value_count,
  coalesce(
    (SELECT q.sum FROM _metric_points AS q WHERE q.is_sorted = 0 AND q.series = p.series AND q.time_unix_nano < p.time_unix_nano
     AND q.time_unix_nano >= iif(p.start_time_unix_nano < p.time_unix_nano, p.start_time_unix_nano, 0)
     AND q.start_time_unix_nano = p.start_time_unix_nano AND typeof(q.sum) IN ('integer', 'real') ORDER BY q.time_unix_nano DESC LIMIT 1),
    (SELECT q.sum FROM _metric_points AS q WHERE q.is_sorted = 1 AND q.series = p.series AND q.time_unix_nano < p.time_unix_nano
     AND q.time_unix_nano >= iif(p.start_time_unix_nano < p.time_unix_nano, p.start_time_unix_nano, 0)
     AND q.start_time_unix_nano = p.start_time_unix_nano AND typeof(q.sum) IN ('integer', 'real') ORDER BY q.time_unix_nano DESC LIMIT 1)
  ) AS previous_sum,
  coalesce(
    (SELECT CASE typeof(q.value_count) WHEN 'text' THEN CAST(q.value_count AS REAL) WHEN 'null' THEN 0 ELSE q.value_count END
     FROM _metric_points AS q WHERE q.is_sorted = 0 AND q.series = p.series AND q.time_unix_nano < p.time_unix_nano
     AND q.time_unix_nano >= iif(p.start_time_unix_nano < p.time_unix_nano, p.start_time_unix_nano, 0)
     AND q.start_time_unix_nano = p.start_time_unix_nano AND typeof(q.sum) IN ('integer', 'real') ORDER BY q.time_unix_nano DESC LIMIT 1),
    (SELECT CASE typeof(q.value_count) WHEN 'text' THEN CAST(q.value_count AS REAL) WHEN 'null' THEN 0 ELSE q.value_count END
     FROM _metric_points AS q WHERE q.is_sorted = 1 AND q.series = p.series AND q.time_unix_nano < p.time_unix_nano
     AND q.time_unix_nano >= iif(p.start_time_unix_nano < p.time_unix_nano, p.start_time_unix_nano, 0)
     AND q.start_time_unix_nano = p.start_time_unix_nano AND typeof(q.sum) IN ('integer', 'real') ORDER BY q.time_unix_nano DESC LIMIT 1)
  ) AS previous_sum_count,
  coalesce(
    (SELECT max(q.time_unix_nano) FROM _metric_points AS q WHERE q.is_sorted = 0 AND q.series = p.series AND q.time_unix_nano < p.time_unix_nano),
    (SELECT max(q.time_unix_nano) FROM _metric_points AS q WHERE q.is_sorted = 1 AND q.series = p.series AND q.time_unix_nano < p.time_unix_nano)
  ) AS previous_time_unix_nano
FROM _metric_points AS p
WHERE p.is_sorted IN (0, 1);
