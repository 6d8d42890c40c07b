-- The series of data points, with what names sessions, users and services.
SELECT DISTINCT
  m.series_id, m.service_name, m.session_id, m.user_id, m.attributes, m.attribute_types, m.resource_attributes,
  m.resource_attribute_types
FROM _metrics AS m;
