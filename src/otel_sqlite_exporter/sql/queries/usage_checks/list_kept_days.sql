-- The days (UTC) and services of which calls were removed.
SELECT DISTINCT k.service_name, k.date
FROM kept_usage AS k
