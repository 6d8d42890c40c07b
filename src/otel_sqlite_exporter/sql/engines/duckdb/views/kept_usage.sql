CREATE OR REPLACE VIEW kept_usage AS
-- No row: a dataset holds the calls that `prune` took from a file, so it keeps no sums of them.
SELECT
  CAST(NULL AS VARCHAR) AS date,
  CAST(NULL AS VARCHAR) AS service_name,
  CAST(NULL AS VARCHAR) AS provider,
  CAST(NULL AS VARCHAR) AS operation,
  CAST(NULL AS VARCHAR) AS request_model,
  CAST(NULL AS VARCHAR) AS response_model,
  CAST(NULL AS VARCHAR) AS model,
  CAST(NULL AS VARCHAR) AS agent_name,
  CAST(NULL AS VARCHAR) AS user_id,
  CAST(NULL AS BIGINT) AS is_aggregate,
  CAST(NULL AS BIGINT) AS calls,
  CAST(NULL AS BIGINT) AS failed_calls,
  CAST(NULL AS BIGINT) AS reported,
  CAST(NULL AS BIGINT) AS input_tokens,
  CAST(NULL AS BIGINT) AS output_tokens,
  CAST(NULL AS BIGINT) AS total_tokens,
  CAST(NULL AS BIGINT) AS cached_input_tokens,
  CAST(NULL AS BIGINT) AS cache_creation_input_tokens,
  CAST(NULL AS BIGINT) AS reasoning_tokens,
  CAST(NULL AS BIGINT) AS priced,
  CAST(NULL AS BIGINT) AS priced_tokens,
  CAST(NULL AS BIGINT) AS unpriced_calls,
  CAST(NULL AS DOUBLE) AS cost_usd,
  CAST(NULL AS BIGINT) AS start_time_unix_nano
WHERE 1 = 0;
