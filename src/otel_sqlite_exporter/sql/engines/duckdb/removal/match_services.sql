-- The units with spans or log records of the services $names.
CREATE OR REPLACE TABLE matched AS
SELECT s.unit FROM _spans AS s WHERE list_contains($names, s.service_name)
UNION
SELECT l.unit FROM _logs AS l WHERE list_contains($names, l.service_name);
