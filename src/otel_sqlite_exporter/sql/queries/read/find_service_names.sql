-- The names of the services of these resources. Parameter: resources, a JSON array of ids of _resources.
SELECT r.id, r.service_name
FROM json_each(:resources) AS k
CROSS JOIN _resources AS r ON r.id = k.value;
