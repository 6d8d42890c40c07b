-- The tokens of counted calls, by one or two groups. reported is the number of calls that report usage. NULL: no call
-- reports this kind of token. Plan: one pass over the columns of the calls of the range.
WITH
  calls AS (
    SELECT
      CASE :group_1
        WHEN 'model' THEN model
        WHEN 'request_model' THEN asked_model(request_model, response_model)
        WHEN 'provider' THEN provider
        WHEN 'operation' THEN operation
        WHEN 'session' THEN session_id
        WHEN 'conversation' THEN conversation_id
        WHEN 'user' THEN user_id
        WHEN 'agent' THEN agent_name
        WHEN 'service' THEN service_name
        WHEN 'error' THEN error_type
        WHEN 'status' THEN status
        WHEN 'hour' THEN local_hour(start_time_unix_nano)
        WHEN 'day' THEN local_day(start_time_unix_nano)
        WHEN 'week' THEN local_week(start_time_unix_nano)
      END AS group_1,
      :group_2 AS group_2,
      input_tokens,
      output_tokens,
      total_tokens,
      cached_input_tokens,
      cache_creation_input_tokens,
      reasoning_tokens
    FROM complete_llm_interactions
    WHERE counted = 1 AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
  ),
  sums AS (
    SELECT
      group_1,
      group_2,
      count(*) AS calls,
      count(coalesce(total_tokens, input_tokens, output_tokens)) AS reported,
      sum(input_tokens) AS input_tokens,
      sum(output_tokens) AS output_tokens,
      sum(total_tokens) AS total_tokens,
      sum(cached_input_tokens) AS cached_input_tokens,
      sum(cache_creation_input_tokens) AS cache_creation_input_tokens,
      sum(reasoning_tokens) AS reasoning_tokens,
      0 AS kept_calls
    FROM calls
    GROUP BY 1, 2
  )
SELECT
  group_1,
  group_2,
  sum(calls) AS calls,
  sum(reported) AS reported,
  CASE WHEN sum(input_tokens) > 9223372036854775807 THEN 9223372036854775807 ELSE sum(input_tokens) END AS input_tokens,
  CASE WHEN sum(output_tokens) > 9223372036854775807 THEN 9223372036854775807 ELSE sum(output_tokens) END AS output_tokens,
  CASE WHEN sum(total_tokens) > 9223372036854775807 THEN 9223372036854775807 ELSE sum(total_tokens) END AS total_tokens,
  CASE WHEN sum(cached_input_tokens) > 9223372036854775807 THEN 9223372036854775807 ELSE sum(cached_input_tokens) END AS cached_input_tokens,
  CASE WHEN sum(cache_creation_input_tokens) > 9223372036854775807 THEN 9223372036854775807 ELSE sum(cache_creation_input_tokens) END AS cache_creation_input_tokens,
  CASE WHEN sum(reasoning_tokens) > 9223372036854775807 THEN 9223372036854775807 ELSE sum(reasoning_tokens) END AS reasoning_tokens,
  sum(kept_calls) AS kept_calls
FROM sums
GROUP BY 1, 2
ORDER BY 1, 2;
