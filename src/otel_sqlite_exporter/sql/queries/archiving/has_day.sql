-- Whether a trace started in a range of time, or a log record or a data point is of it.
SELECT
  EXISTS (SELECT 1 FROM _traces AS t WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until)
  OR EXISTS (SELECT 1 FROM _logs AS l WHERE l.time_unix_nano >= :since AND l.time_unix_nano < :until)
  OR EXISTS (
    SELECT 1
    FROM _metric_series AS m
    CROSS JOIN _metric_points AS p ON p.is_sorted IN (0, 1) AND p.series = m.id
    WHERE p.time_unix_nano >= :since AND p.time_unix_nano < :until
  );
