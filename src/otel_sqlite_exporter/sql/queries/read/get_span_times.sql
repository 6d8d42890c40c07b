-- The start of the first and the last span; NULL: there is no span. Two index look-ups: min() would read all spans.
SELECT
  (SELECT start_time FROM spans ORDER BY start_time_unix_nano LIMIT 1) AS first_span_time,
  (SELECT start_time FROM spans ORDER BY start_time_unix_nano DESC LIMIT 1) AS last_span_time;
