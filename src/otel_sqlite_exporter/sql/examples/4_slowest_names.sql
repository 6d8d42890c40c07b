-- The names of spans that take longest on average.
SELECT service_name, name, count(*) AS spans, avg(duration_ms) AS mean_ms, max(duration_ms) AS longest_ms
FROM spans
GROUP BY service_name, name
ORDER BY mean_ms DESC
LIMIT 50;
