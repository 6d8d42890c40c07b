-- The series that have data points in a range of time, and what their points share, one row each: [id, number of these
-- points; digests of the series, its instrument, resource and scope; the columns of a part of the table metrics that all
-- points of a series share, in the order of SERIES_COLUMNS in point_rows.py]. Parameters: since, until (nanoseconds).
-- Plan: two searches for each series of the file.
WITH counted AS MATERIALIZED (
  SELECT
    m.id,
    (
      SELECT count(*) FROM _metric_points AS p
      WHERE p.is_sorted IN (0, 1) AND p.series = m.id AND p.time_unix_nano >= :since AND p.time_unix_nano < :until
    ) AS points
  FROM _metric_series AS m
)
SELECT
  m.id, n.points, m.digest, i.digest, r.digest, c.digest,
  i.name, i.kind, i.unit, i.temporality, i.is_monotonic, i.description,
  c.name, c.version, c.schema_url, c.attributes, c.attribute_types,
  r.schema_url, r.attributes, r.attribute_types, i.metadata_types, i.metadata,
  r.service_name, m.session_id, m.user_id, m.attribute_types, m.attributes, m.late_points, m.refused_points
FROM counted AS n
CROSS JOIN _metric_series AS m ON m.id = n.id
CROSS JOIN _instruments AS i ON i.id = m.instrument
CROSS JOIN _resources AS r ON r.id = m.resource
LEFT JOIN _scopes AS c ON c.id = i.scope
WHERE n.points > 0;
