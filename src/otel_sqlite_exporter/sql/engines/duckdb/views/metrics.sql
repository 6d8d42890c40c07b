CREATE OR REPLACE VIEW metrics AS
-- One row for each instrument that has data points: what these have in common, how many series it has, the services of these,
-- and the times of its first and its last point. late_points and refused_points are those of the file, when its last
-- points were archived.
SELECT
  g._instrument AS id,
  g.name,
  g.kind,
  g.unit,
  g.temporality,
  g.is_monotonic,
  g.description,
  g.scope_name,
  g.scope_version,
  g.series,
  s.services,
  g.first_time_unix_nano,
  g.last_time_unix_nano,
  strftime(make_timestamp(g.first_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS first_time,
  strftime(make_timestamp(g.last_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS last_time,
  g.late_points,
  g.refused_points,
  g.metadata_types,
  g.metadata
FROM (
  SELECT
    x._instrument,
    min(x.name) AS name,
    min(x.kind) AS kind,
    min(x.unit) AS unit,
    min(x.temporality) AS temporality,
    min(x.is_monotonic) AS is_monotonic,
    min(x.description) AS description,
    min(x.scope_name) AS scope_name,
    min(x.scope_version) AS scope_version,
    count(*) AS series,
    min(x.first_time_unix_nano) AS first_time_unix_nano,
    max(x.last_time_unix_nano) AS last_time_unix_nano,
    CAST(sum(x.late_points) AS BIGINT) AS late_points,
    CAST(sum(x.refused_points) AS BIGINT) AS refused_points,
    min(x.metadata_types) AS metadata_types,
    min(x.metadata) AS metadata
  FROM (
    SELECT
      m._instrument,
      m.series_id,
      min(m.name) AS name,
      min(m.kind) AS kind,
      min(m.unit) AS unit,
      min(m.temporality) AS temporality,
      min(m.is_monotonic) AS is_monotonic,
      min(m.description) AS description,
      min(m.scope_name) AS scope_name,
      min(m.scope_version) AS scope_version,
      min(m.time_unix_nano) AS first_time_unix_nano,
      max(m.time_unix_nano) AS last_time_unix_nano,
      max(m._late_points) AS late_points,
      max(m._refused_points) AS refused_points,
      min(m.metadata_types) AS metadata_types,
      min(m.metadata) AS metadata
    FROM _metrics AS m
    GROUP BY m._instrument, m.series_id
  ) AS x
  GROUP BY x._instrument
) AS g
JOIN _metric_services AS s ON s._instrument = g._instrument;
