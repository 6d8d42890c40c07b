-- The part of the table usage for some parts: counted calls by their day and what they name. View: _llm_interactions.
-- Costs are added in their order, so that the sum of the same calls is always the same double.
SELECT
  strftime(make_timestamp(i.start_time_unix_nano // 1000), '%Y-%m-%d') AS call_date,
  i.service_name,
  i.provider,
  i.operation,
  i.request_model,
  i.response_model,
  i.agent_name,
  i.user_id,
  i.is_aggregate,
  count(*) AS calls,
  CAST(sum(i._has_failed) AS BIGINT) AS failed_calls,
  CAST(sum(i._has_usage) AS BIGINT) AS reported,
  CASE WHEN count(i.input_tokens) > 0 THEN CAST(least(sum(i.input_tokens), 9223372036854775807) AS BIGINT) END AS input_tokens,
  CASE WHEN count(i.output_tokens) > 0 THEN CAST(least(sum(i.output_tokens), 9223372036854775807) AS BIGINT) END AS output_tokens,
  CASE WHEN count(i.total_tokens) > 0 THEN CAST(least(sum(i.total_tokens), 9223372036854775807) AS BIGINT) END AS total_tokens,
  CASE WHEN count(i.cached_input_tokens) > 0 THEN CAST(least(sum(i.cached_input_tokens), 9223372036854775807) AS BIGINT) END
    AS cached_input_tokens,
  CASE WHEN count(i.cache_creation_input_tokens) > 0
    THEN CAST(least(sum(i.cache_creation_input_tokens), 9223372036854775807) AS BIGINT) END AS cache_creation_input_tokens,
  CASE WHEN count(i.reasoning_tokens) > 0 THEN CAST(least(sum(i.reasoning_tokens), 9223372036854775807) AS BIGINT) END
    AS reasoning_tokens,
  count(i.cost_usd) AS priced,
  CASE WHEN count(i.total_tokens) FILTER (WHERE i.cost_usd IS NOT NULL) > 0
    THEN CAST(least(sum(i.total_tokens) FILTER (WHERE i.cost_usd IS NOT NULL), 9223372036854775807) AS BIGINT) END
    AS priced_tokens,
  CAST(sum(i.is_unpriced) AS BIGINT) AS unpriced_calls,
  sum(i.cost_usd ORDER BY i.cost_usd) AS cost_usd
FROM _llm_interactions AS i
WHERE i.counted = 1
GROUP BY ALL
ORDER BY 1, i.service_name, i.request_model, i.response_model, i.provider, i.operation, i.agent_name, i.user_id, i.is_aggregate;
