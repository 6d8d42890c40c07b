-- The series of a name: whose they are, and their attributes.
SELECT m.id, m.instrument, r.service_name, m.session_id, m.user_id, m.attribute_types, m.attributes
FROM _instruments AS i
JOIN _metric_series AS m ON m.instrument = i.id
JOIN _resources AS r ON r.id = m.resource
WHERE i.name = :name
ORDER BY m.id
LIMIT :limit
