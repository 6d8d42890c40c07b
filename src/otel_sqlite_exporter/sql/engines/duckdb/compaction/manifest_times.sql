-- From when to when the records of manifests were, by what the ends of their files tell.
SELECT
  f.manifest,
  min(CAST(m.stats_min_value AS BIGINT)) FILTER (WHERE m.path_in_schema = 'start_time_unix_nano'),
  max(CAST(m.stats_max_value AS BIGINT)) FILTER (WHERE m.path_in_schema = 'end_time_unix_nano')
FROM parquet_metadata($paths) AS m
JOIN files AS f ON f.path = m.file_name
WHERE m.path_in_schema IN ('start_time_unix_nano', 'end_time_unix_nano')
GROUP BY f.manifest;
