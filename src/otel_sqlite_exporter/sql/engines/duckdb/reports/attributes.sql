-- The attribute keys of a sample: the newest 10,000 spans of the range. For each key: the spans that have it, its JSON
-- types, its distinct values, and the bytes of key and values. Look at a key with as many distinct values as spans.
-- dialect is the convention whose prefix the key has; NULL: none of those listed here. Plan: the newest spans of the
-- range, and their attributes parsed.
WITH
  sample AS (
    SELECT start_time, attributes
    FROM spans
    WHERE start_time_unix_nano >= :since AND start_time_unix_nano < :until
    ORDER BY start_time_unix_nano DESC
    LIMIT :sample
  ),
  keys AS (
    SELECT start_time, attributes, unnest(json_keys(attributes)) AS key
    FROM sample
  ),
  found AS (
    SELECT start_time, key, json_extract(attributes, '/' || replace(replace(key, '~', '~0'), '/', '~1')) AS value
    FROM keys
  ),
  pairs AS (
    SELECT
      start_time,
      key,
      CASE json_type(value)
        WHEN 'VARCHAR' THEN 'text'
        WHEN 'DOUBLE' THEN 'real'
        WHEN 'BIGINT' THEN 'integer'
        WHEN 'UBIGINT' THEN 'integer'
        WHEN 'HUGEINT' THEN 'integer'
        WHEN 'BOOLEAN' THEN CAST(value AS VARCHAR)
        ELSE lower(json_type(value))
      END AS type,
      CASE WHEN json_type(value) = 'BOOLEAN' THEN CASE WHEN CAST(value AS VARCHAR) = 'true' THEN '1' ELSE '0' END
        ELSE value ->> '$' END AS value
    FROM found
  )
SELECT
  a.key AS group_1,
  count(*) AS spans,
  count(*) * 1.0 / (SELECT count(*) FROM sample) AS share,
  string_agg(DISTINCT a.type, ',' ORDER BY a.type) AS types,
  count(DISTINCT a.value) AS distinct_values,
  sum(strlen(a.key) + strlen(a.value)) AS bytes,
  min(a.start_time) AS first_time,
  max(a.start_time) AS last_time,
  CASE
    WHEN a.key GLOB 'gen_ai.*' THEN 'gen_ai'
    WHEN a.key GLOB 'openinference.*' OR a.key GLOB 'llm.*' OR a.key GLOB 'input.*' OR a.key GLOB 'output.*' THEN 'openinference'
    WHEN a.key GLOB 'traceloop.*' THEN 'openllmetry'
    WHEN a.key GLOB 'langfuse.*' THEN 'langfuse'
    WHEN a.key GLOB 'langsmith.*' THEN 'langsmith'
    WHEN a.key GLOB 'mlflow.*' THEN 'mlflow'
    WHEN a.key GLOB 'ai.*' THEN 'vercel'
    WHEN a.key GLOB 'logfire.*' OR a.key GLOB 'pydantic_ai.*' THEN 'logfire'
    WHEN a.key GLOB 'gcp.vertex.agent.*' THEN 'google_adk'
    WHEN a.key GLOB 'lmnr.*' THEN 'laminar'
    WHEN a.key GLOB 'lk.*' THEN 'livekit'
  END AS dialect
FROM pairs AS a
GROUP BY 1
ORDER BY 6 DESC, 1;
