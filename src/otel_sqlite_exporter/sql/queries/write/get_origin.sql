-- A resource and a scope (NULL: none), each as a JSON array of its columns. :resource and :scope are their ids.
SELECT
  (SELECT json_array(schema_url, attribute_types, attributes) FROM _resources WHERE id = :resource) AS resource,
  (SELECT json_array(name, version, schema_url, attribute_types, attributes) FROM _scopes WHERE id = :scope) AS scope;
