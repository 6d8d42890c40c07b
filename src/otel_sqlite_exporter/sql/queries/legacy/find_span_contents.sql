-- The log records of spans. :spans is [[trace id, span id], ...].
SELECT
  w.value ->> 0 AS trace_id,
  w.value ->> 1 AS span_id,
  min(l.time_unix_nano) AS start_time_unix_nano,
  max(l.time_unix_nano) AS end_time_unix_nano,
  min(coalesce(l.event_name, 'unknown')) AS name
FROM json_each(:spans) AS w
JOIN _traces AS t ON t.trace_id = w.value ->> 0
JOIN _logs AS l ON l.trace = t.id AND l.span_id = w.value ->> 1
GROUP BY 1, 2;
