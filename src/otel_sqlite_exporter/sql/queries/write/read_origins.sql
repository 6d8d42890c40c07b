-- The resource and the scope (or null) of some spans, as one JSON array of [span, [columns of _resources], [columns of
-- _scopes]]. :ids is an array of ids of _spans.
SELECT json_group_array(json_array(
  s.id,
  json_array(r.digest, r.service_name, r.schema_url, r.attribute_types, r.attributes),
  iif(c.id IS NULL, NULL, json_array(c.digest, c.name, c.version, c.schema_url, c.attribute_types, c.attributes))
))
FROM json_each(:ids) AS w
CROSS JOIN _spans AS s ON s.id = w.value
CROSS JOIN _resources AS r ON r.id = s.resource
LEFT JOIN _scopes AS c ON c.id = s.scope;
