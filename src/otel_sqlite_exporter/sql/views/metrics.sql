CREATE VIEW metrics AS
-- One row for each instrument: what the points of a metric have in common, how many series it has, of which services, and the
-- times of its first and its last point. late_points came after a later point of their series; refused_points came after
-- `metrics_raw_days` had made their hour one point, and are not stored.
SELECT
  i.id,
  i.name,
  i.kind,
  i.unit,
  i.temporality,
  i.is_monotonic,
  i.description,
  c.name AS scope_name,
  c.version AS scope_version,
  (SELECT count(*) FROM _metric_series AS m WHERE m.instrument = i.id) AS series,
  (
    SELECT json_group_array(named.service_name)
    FROM (
      SELECT DISTINCT r.service_name FROM _metric_series AS m JOIN _resources AS r ON r.id = m.resource WHERE m.instrument = i.id
      ORDER BY r.service_name
    ) AS named
  ) AS services,
  (SELECT min(t.first_time_unix_nano) FROM _series_times AS t WHERE t.instrument = i.id) AS first_time_unix_nano,
  (SELECT max(t.last_time_unix_nano) FROM _series_times AS t WHERE t.instrument = i.id) AS last_time_unix_nano,
  (SELECT strftime('%Y-%m-%dT%H:%M:%S', min(t.first_time_unix_nano) / 1000000000, 'unixepoch') || printf('.%06dZ', min(t.first_time_unix_nano) / 1000 % 1000000) FROM _series_times AS t WHERE t.instrument = i.id) AS first_time,
  (SELECT strftime('%Y-%m-%dT%H:%M:%S', max(t.last_time_unix_nano) / 1000000000, 'unixepoch') || printf('.%06dZ', max(t.last_time_unix_nano) / 1000 % 1000000) FROM _series_times AS t WHERE t.instrument = i.id) AS last_time,
  (SELECT sum(m.late_points) FROM _metric_series AS m WHERE m.instrument = i.id) AS late_points,
  (SELECT sum(m.refused_points) FROM _metric_series AS m WHERE m.instrument = i.id) AS refused_points,
  i.metadata_types,
  i.metadata
FROM _instruments AS i
LEFT JOIN _scopes AS c ON c.id = i.scope;
