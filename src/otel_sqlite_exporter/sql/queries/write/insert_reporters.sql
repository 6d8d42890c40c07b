-- Adds reporters. :reporters is [[service, source, scope, dialect, is_aggregate], ...].
INSERT INTO _reporters (service_name, source, scope_name, dialect, is_aggregate)
SELECT w.value ->> 0, w.value ->> 1, w.value ->> 2, w.value ->> 3, w.value ->> 4
FROM json_each(:reporters) AS w
WHERE true
ON CONFLICT DO NOTHING;
