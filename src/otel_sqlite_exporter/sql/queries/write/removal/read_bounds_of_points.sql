-- The bounds of the next points, as a JSON array of ids, and where the last of these is, as a JSON array (NULL: there are no more).
-- :is_sorted, :series, :time and :start are where the last one before is, :limit how many are read. A point that is sorted in
-- meanwhile comes again.
WITH read AS MATERIALIZED (
  SELECT p.is_sorted, p.series, p.time_unix_nano, p.start_time_unix_nano, p.bounds
  FROM _metric_points AS p
  WHERE (p.is_sorted, p.series, p.time_unix_nano, p.start_time_unix_nano) > (:is_sorted, :series, :time, :start)
  ORDER BY p.is_sorted, p.series, p.time_unix_nano, p.start_time_unix_nano
  LIMIT :limit
)
SELECT
  (SELECT json_group_array(DISTINCT r.bounds) FROM read AS r WHERE r.bounds IS NOT NULL) AS bounds,
  (
    SELECT json_array(r.is_sorted, r.series, r.time_unix_nano, r.start_time_unix_nano) FROM read AS r
    ORDER BY r.is_sorted DESC, r.series DESC, r.time_unix_nano DESC, r.start_time_unix_nano DESC
    LIMIT 1
  ) AS last;
