-- The number of sessions of :services (a JSON array).
SELECT count(*) FROM sessions AS s WHERE s.service_name IN (SELECT j.value FROM json_each(:services) AS j);
