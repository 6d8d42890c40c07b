-- The series of metrics of each service, and the instruments that they are of, the most first.
-- Plan: one pass over the series, each with its resource by its key.
SELECT r.service_name AS service, count(*) AS series, count(DISTINCT m.instrument) AS metrics
FROM _metric_series AS m
JOIN _resources AS r ON r.id = m.resource
GROUP BY r.service_name
ORDER BY series DESC, r.service_name;
