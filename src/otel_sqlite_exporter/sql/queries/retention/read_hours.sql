-- The points of a part of some series, as a JSON array of [series, columns from is_sorted on, but for the series], in the order of
-- their times. A floating-point number is a text that begins with r, so that it keeps all its digits. :parts is an array of
-- [series, first time, time after the last].
SELECT json_group_array(json_array(
  p.series, p.is_sorted, p.time_unix_nano, p.start_time_unix_nano, p.time_source, p.flags,
  CASE typeof(p.value) WHEN 'real' THEN printf('r%!.20g', p.value) ELSE p.value END,
  CASE typeof(p.value_count) WHEN 'real' THEN printf('r%!.20g', p.value_count) ELSE p.value_count END,
  CASE typeof(p.sum) WHEN 'real' THEN printf('r%!.20g', p.sum) ELSE p.sum END,
  CASE typeof(p.min) WHEN 'real' THEN printf('r%!.20g', p.min) ELSE p.min END,
  CASE typeof(p.max) WHEN 'real' THEN printf('r%!.20g', p.max) ELSE p.max END,
  p.bounds, p.buckets, p.raw_points
))
FROM (
  SELECT q.*
  FROM json_each(:parts) AS w
  CROSS JOIN json_each('[1, 0]') AS s
  CROSS JOIN _metric_points AS q ON q.is_sorted = s.value AND q.series = w.value ->> 0
    AND q.time_unix_nano >= w.value ->> 1 AND q.time_unix_nano < w.value ->> 2
) AS p;
