-- The places in :points, each [series, time, start], of those that the file has.
SELECT json_group_array(w.key) FROM json_each(:points) AS w
WHERE EXISTS (
  SELECT 1 FROM _metric_points AS p
  WHERE p.is_sorted IN (0, 1) AND p.series = json_extract(w.value, '$[0]')
    AND p.time_unix_nano = json_extract(w.value, '$[1]') AND p.start_time_unix_nano = json_extract(w.value, '$[2]')
);
