-- The numbers of spans and log records of each day (UTC) from :since on, in nanoseconds since 1970.
-- Plan: two ranges of the indexes of times.
SELECT date(d.day * 86400, 'unixepoch') AS day, sum(d.spans) AS spans, sum(d.logs) AS logs
FROM (
  SELECT s.start_time_unix_nano / 86400000000000 AS day, count(*) AS spans, 0 AS logs
  FROM _spans AS s
  WHERE s.start_time_unix_nano >= :since
  GROUP BY 1
  UNION ALL
  SELECT l.time_unix_nano / 86400000000000, 0, count(*)
  FROM _logs AS l
  WHERE l.time_unix_nano >= :since
  GROUP BY 1
) AS d
GROUP BY d.day
ORDER BY d.day;
