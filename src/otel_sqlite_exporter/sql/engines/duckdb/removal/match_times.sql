-- The traces that started from $since on and before $until, and the units of log records without a trace of that time.
CREATE OR REPLACE TABLE matched AS
SELECT DISTINCT p.unit
FROM _trace_sessions AS p
WHERE if(
  p.trace_id = '',
  p.end_time_unix_nano >= $since AND p.start_time_unix_nano < $until,
  p.trace_start_time_unix_nano >= $since AND p.trace_start_time_unix_nano < $until
);
