-- The next series of a file, from the id :first on, with their instruments. A column of these is NULL where there is none, as in a
-- damaged file.
SELECT
  m.id, m.resource, i.scope, m.hourly_until_unix_nano, m.late_points, m.refused_points,
  m.digest, m.session_id, m.user_id, m.attribute_types, m.attributes,
  i.digest, i.name, i.description, i.unit, i.kind, i.temporality, i.is_monotonic, i.metadata_types, i.metadata
FROM _metric_series AS m
LEFT JOIN _instruments AS i ON i.id = m.instrument
WHERE m.id >= :first
ORDER BY m.id
LIMIT :limit;
