-- The services with a data point of a metric at or after :since (nanoseconds since 1970), among the newest 10,000 series, and
-- the time of the last of each, ISO 8601. Plan: the end of the series, and of each the ends of its points.
SELECT
  r.service_name,
  strftime('%Y-%m-%dT%H:%M:%S', max(t.last_time_unix_nano) / 1000000000, 'unixepoch') || printf('.%06dZ', max(t.last_time_unix_nano) / 1000 % 1000000) AS last_time
FROM (SELECT n.id, n.resource FROM _metric_series AS n ORDER BY n.id DESC LIMIT 10000) AS m
CROSS JOIN _series_times AS t ON t.series = m.id
JOIN _resources AS r ON r.id = m.resource
WHERE t.last_time_unix_nano >= :since
GROUP BY r.service_name;
