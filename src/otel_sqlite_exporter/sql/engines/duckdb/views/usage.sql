CREATE OR REPLACE VIEW usage AS
-- One row for each day (UTC) and what its calls name: counted model calls, tokens and cost. is_kept is 0: what `prune` took
-- from a file stands here as calls.
SELECT
  u.call_date AS date,
  u.service_name,
  u.provider,
  u.operation,
  u.request_model,
  u.response_model,
  coalesce(u.response_model, u.request_model) AS model,
  u.agent_name,
  u.user_id,
  u.is_aggregate,
  CAST(0 AS BIGINT) AS is_kept,
  CAST(sum(u.calls) AS BIGINT) AS calls,
  CAST(sum(u.failed_calls) AS BIGINT) AS failed_calls,
  CAST(sum(u.reported) AS BIGINT) AS reported,
  CAST(CASE WHEN sum(CAST(u.input_tokens AS DECIMAL(38, 0))) > 9223372036854775807 THEN 9223372036854775807
    ELSE sum(CAST(u.input_tokens AS DECIMAL(38, 0))) END AS BIGINT) AS input_tokens,
  CAST(CASE WHEN sum(CAST(u.output_tokens AS DECIMAL(38, 0))) > 9223372036854775807 THEN 9223372036854775807
    ELSE sum(CAST(u.output_tokens AS DECIMAL(38, 0))) END AS BIGINT) AS output_tokens,
  CAST(CASE WHEN sum(CAST(u.total_tokens AS DECIMAL(38, 0))) > 9223372036854775807 THEN 9223372036854775807
    ELSE sum(CAST(u.total_tokens AS DECIMAL(38, 0))) END AS BIGINT) AS total_tokens,
  CAST(CASE WHEN sum(CAST(u.cached_input_tokens AS DECIMAL(38, 0))) > 9223372036854775807 THEN 9223372036854775807
    ELSE sum(CAST(u.cached_input_tokens AS DECIMAL(38, 0))) END AS BIGINT) AS cached_input_tokens,
  CAST(CASE WHEN sum(CAST(u.cache_creation_input_tokens AS DECIMAL(38, 0))) > 9223372036854775807 THEN 9223372036854775807
    ELSE sum(CAST(u.cache_creation_input_tokens AS DECIMAL(38, 0))) END AS BIGINT) AS cache_creation_input_tokens,
  CAST(CASE WHEN sum(CAST(u.reasoning_tokens AS DECIMAL(38, 0))) > 9223372036854775807 THEN 9223372036854775807
    ELSE sum(CAST(u.reasoning_tokens AS DECIMAL(38, 0))) END AS BIGINT) AS reasoning_tokens,
  CAST(sum(u.priced) AS BIGINT) AS priced,
  CAST(CASE WHEN sum(CAST(u.priced_tokens AS DECIMAL(38, 0))) > 9223372036854775807 THEN 9223372036854775807
    ELSE sum(CAST(u.priced_tokens AS DECIMAL(38, 0))) END AS BIGINT) AS priced_tokens,
  CAST(sum(u.unpriced_calls) AS BIGINT) AS unpriced_calls,
  sum(u.cost_usd) AS cost_usd
FROM _usage AS u
GROUP BY u.call_date, u.service_name, u.provider, u.operation, u.request_model, u.response_model, u.agent_name, u.user_id,
  u.is_aggregate;
