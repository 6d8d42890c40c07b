-- All reporters of services, as JSON: [[id, service, source, scope, dialect, is_aggregate], ...]. :services is an array of
-- their names.
SELECT json_group_array(json_array(r.id, r.service_name, r.source, r.scope_name, r.dialect, r.is_aggregate))
FROM json_each(:services) AS w
CROSS JOIN _reporters AS r ON r.service_name = w.value;
