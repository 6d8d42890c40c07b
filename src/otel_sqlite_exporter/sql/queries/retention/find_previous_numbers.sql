-- The last value, number of values and sum before a time that are counted from, of some starts of series, as a JSON array of [series,
-- start, value, number, sum]. A floating-point number is a text as in read_hours.sql. :starts is an array of [series, start, time].
SELECT json_group_array(json_array(
  w.value ->> 0,
  w.value ->> 1,
  coalesce(
    (SELECT iif(typeof(p.value) = 'real', printf('r%!.20g', p.value), p.value) FROM _metric_points AS p WHERE p.is_sorted = 0 AND p.series = w.value ->> 0 AND p.time_unix_nano < w.value ->> 2 AND p.start_time_unix_nano = w.value ->> 1 AND typeof(p.value) IN ('integer', 'real') ORDER BY p.time_unix_nano DESC LIMIT 1),
    (SELECT iif(typeof(p.value) = 'real', printf('r%!.20g', p.value), p.value) FROM _metric_points AS p WHERE p.is_sorted = 1 AND p.series = w.value ->> 0 AND p.time_unix_nano < w.value ->> 2 AND p.start_time_unix_nano = w.value ->> 1 AND typeof(p.value) IN ('integer', 'real') ORDER BY p.time_unix_nano DESC LIMIT 1)
  ),
  coalesce(
    (SELECT iif(typeof(p.value_count) = 'real', printf('r%!.20g', p.value_count), p.value_count) FROM _metric_points AS p WHERE p.is_sorted = 0 AND p.series = w.value ->> 0 AND p.time_unix_nano < w.value ->> 2 AND p.start_time_unix_nano = w.value ->> 1 AND typeof(p.value_count) IN ('integer', 'real') ORDER BY p.time_unix_nano DESC LIMIT 1),
    (SELECT iif(typeof(p.value_count) = 'real', printf('r%!.20g', p.value_count), p.value_count) FROM _metric_points AS p WHERE p.is_sorted = 1 AND p.series = w.value ->> 0 AND p.time_unix_nano < w.value ->> 2 AND p.start_time_unix_nano = w.value ->> 1 AND typeof(p.value_count) IN ('integer', 'real') ORDER BY p.time_unix_nano DESC LIMIT 1)
  ),
  coalesce(
    (SELECT iif(typeof(p.sum) = 'real', printf('r%!.20g', p.sum), p.sum) FROM _metric_points AS p WHERE p.is_sorted = 0 AND p.series = w.value ->> 0 AND p.time_unix_nano < w.value ->> 2 AND p.start_time_unix_nano = w.value ->> 1 AND typeof(p.sum) IN ('integer', 'real') ORDER BY p.time_unix_nano DESC LIMIT 1),
    (SELECT iif(typeof(p.sum) = 'real', printf('r%!.20g', p.sum), p.sum) FROM _metric_points AS p WHERE p.is_sorted = 1 AND p.series = w.value ->> 0 AND p.time_unix_nano < w.value ->> 2 AND p.start_time_unix_nano = w.value ->> 1 AND typeof(p.sum) IN ('integer', 'real') ORDER BY p.time_unix_nano DESC LIMIT 1)
  )
))
FROM json_each(:starts) AS w;
