-- The :limit services that were named first, in order of their names. Plan: one pass over the resources, of which there
-- are few.
SELECT DISTINCT service_name
FROM _resources
WHERE service_name IS NOT NULL
ORDER BY service_name
LIMIT :limit;
