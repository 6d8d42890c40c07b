-- The columns of a dataset that tell a scope, by its id in the file. :ids is an array of ids; NULL is no scope.
SELECT
  w.value AS id,
  c.name AS scope_name,
  c.version AS scope_version,
  c.schema_url AS scope_schema_url,
  c.attributes AS scope_attributes,
  c.attribute_types AS scope_attribute_types
FROM json_each(:ids) AS w
LEFT JOIN _scopes AS c ON c.id = w.value;
