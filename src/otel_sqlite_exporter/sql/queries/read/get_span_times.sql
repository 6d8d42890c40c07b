-- When the first and the last span began; NULL while there are none. Two walks of an index: min() would read all spans.
SELECT
  (SELECT start_time FROM spans ORDER BY start_time_unix_nano LIMIT 1) AS first_span_time,
  (SELECT start_time FROM spans ORDER BY start_time_unix_nano DESC LIMIT 1) AS last_span_time;
