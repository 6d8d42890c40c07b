-- The attributes of the series of a session and of their resources, each combination once. Plan: by the session.
SELECT DISTINCT
  m.attributes, m.attribute_types, r.attributes AS resource_attributes, r.attribute_types AS resource_attribute_types
FROM _metric_series AS m
JOIN _resources AS r ON r.id = m.resource
WHERE m.session_id = :session_id;
