-- The data points before a time of histograms with some names, those of each series together and in the order of their times. $names
-- is a list.
SELECT p.*
FROM _metrics AS p
WHERE p.kind IN ('histogram', 'exponential_histogram') AND list_contains($names::VARCHAR[], p.name)
  AND p.time_unix_nano < $until
ORDER BY p.series_id, p.time_unix_nano, p.start_time_unix_nano NULLS FIRST;
