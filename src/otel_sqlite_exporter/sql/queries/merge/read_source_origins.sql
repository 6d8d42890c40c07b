-- The rows of resources or scopes, as a JSON object from id to columns. :resources and :scopes are arrays of ids.
SELECT
  (
    SELECT json_group_object(r.id, json_array(r.digest, r.service_name, r.schema_url, r.attribute_types, r.attributes))
    FROM json_each(:resources) AS w
    CROSS JOIN _resources AS r ON r.id = w.value
  ) AS resources,
  (
    SELECT json_group_object(
      c.id, json_array(c.digest, c.name, c.version, c.schema_url, c.attribute_types, c.attributes)
    )
    FROM json_each(:scopes) AS w
    CROSS JOIN _scopes AS c ON c.id = w.value
  ) AS scopes;
