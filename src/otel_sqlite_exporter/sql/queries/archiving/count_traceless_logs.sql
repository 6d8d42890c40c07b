-- How many log records without a trace a range of time has, at most :limit.
SELECT count(*)
FROM (
  SELECT 1
  FROM _traces AS t
  CROSS JOIN _logs AS l INDEXED BY _logs_time ON l.trace = t.id
  WHERE t.trace_id = '' AND l.time_unix_nano >= :since AND l.time_unix_nano < :until
  LIMIT :limit
);
