-- The data points of some series in a range of time, as the view metric_points shows them, in the order of the series and of
-- their times: [place of the series, the columns of a part that each point has of its own, in the order of POINT_COLUMNS in
-- point_rows.py, then its numbers as they are stored: value, count, sum, min, max]. :series is an array of ids. Other
-- parameters: since, until (nanoseconds).
SELECT
  w.key, p.start_time_unix_nano, p.time_unix_nano, p.time_source, p.flags, p.value, p.value_type, p.delta, p.count,
  p.count_delta, p.sum, p.sum_delta, p.min, p.max, p.buckets, p.change, p.raw_points,
  q.value, q.value_count, q.sum, q.min, q.max
FROM json_each(:series) AS w
CROSS JOIN metric_points AS p ON p.series_id = w.value AND p.time_unix_nano >= :since AND p.time_unix_nano < :until
CROSS JOIN _metric_points AS q ON q.is_sorted IN (0, 1) AND q.series = w.value AND q.time_unix_nano = p.time_unix_nano
  AND q.start_time_unix_nano = ifnull(p.start_time_unix_nano, 0)
ORDER BY w.key, p.time_unix_nano, ifnull(p.start_time_unix_nano, 0);
