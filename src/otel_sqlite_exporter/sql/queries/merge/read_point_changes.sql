-- What of a file is another when its points may be: which file it is; what its exporters wrote of points, or wrote again; up to when
-- it made points one an hour; what was merged into it; and its series.
SELECT json_array(
  (SELECT m.applied_at || ' ' || m.duration_ms FROM _migrations AS m ORDER BY m.version LIMIT 1),
  (SELECT json_array(sum(h.points), sum(h.duplicate)) FROM _exporter_runs AS h),
  (SELECT s.value FROM _state AS s WHERE s.name = 'points hourly before'),
  (SELECT s.value FROM _state AS s WHERE s.name = 'merged points'),
  (
    SELECT json_array(
      count(*), max(m.id), total(m.hourly_until_unix_nano / 3600000000000), total(m.late_points), total(m.refused_points)
    )
    FROM _metric_series AS m
  )
);
