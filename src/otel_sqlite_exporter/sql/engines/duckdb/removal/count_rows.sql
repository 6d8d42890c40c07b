-- How many data points, and exemplars of others, are of the series $series from $since on and before $until, of the traces
-- $traces or with the attributes $attributes: [series, points, exemplars of others].
SELECT
  (
    SELECT count(DISTINCT m.series_id) FROM _metrics AS m
    WHERE list_contains($series::BIGINT[], m.series_id) AND m.time_unix_nano >= $since AND m.time_unix_nano < $until
  ),
  (
    SELECT count(*) FROM _metrics AS m
    WHERE list_contains($series::BIGINT[], m.series_id) AND m.time_unix_nano >= $since AND m.time_unix_nano < $until
  ),
  (
    SELECT count(*) FROM _exemplars AS e
    WHERE (list_contains($traces::VARCHAR[], e.trace_id) OR list_contains($attributes::VARCHAR[], e.attributes))
      AND NOT (
        list_contains($series::BIGINT[], e.series_id) AND e.point_time_unix_nano >= $since
        AND e.point_time_unix_nano < $until
      )
  );
