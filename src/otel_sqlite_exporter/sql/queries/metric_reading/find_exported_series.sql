-- What the points of some series have in common. Parameter: series, a JSON array of ids. Plan: by the keys.
SELECT
  m.id, m.attributes, m.attribute_types,
  m.instrument, i.name, i.description, i.unit, i.kind, i.temporality, i.is_monotonic, i.metadata, i.metadata_types,
  m.resource, r.schema_url AS resource_schema_url, r.attributes AS resource_attributes, r.attribute_types AS resource_attribute_types,
  i.scope, c.name AS scope_name, c.version AS scope_version, c.schema_url AS scope_schema_url, c.attributes AS scope_attributes,
  c.attribute_types AS scope_attribute_types
FROM json_each(:series) AS k
CROSS JOIN _metric_series AS m ON m.id = k.value
JOIN _instruments AS i ON i.id = m.instrument
JOIN _resources AS r ON r.id = m.resource
LEFT JOIN _scopes AS c ON c.id = i.scope;
