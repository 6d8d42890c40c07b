-- The columns of a dataset that tell a resource, by its id in the file. :ids is an array of ids.
SELECT
  w.value AS id,
  r.service_name,
  r.schema_url AS resource_schema_url,
  r.attributes AS resource_attributes,
  r.attribute_types AS resource_attribute_types
FROM json_each(:ids) AS w
LEFT JOIN _resources AS r ON r.id = w.value;
