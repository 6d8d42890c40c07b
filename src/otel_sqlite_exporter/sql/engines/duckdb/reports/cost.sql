-- The cost of counted calls in US dollars, by one or two groups. priced is the number of calls with a known cost: the
-- sums cover only these. unpriced_calls is the number of those whose cost is not known, or only a part: if there are
-- any, the real cost is higher. NULL: no call has a known cost. Plan: one pass over the columns of the calls of the
-- range.
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
      cost_usd,
      is_unpriced,
      total_tokens
    FROM complete_llm_interactions
    WHERE counted = 1 AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
  ),
  sums AS (
    SELECT
      group_1,
      group_2,
      count(*) AS calls,
      count(cost_usd) AS priced,
      sum(is_unpriced) AS unpriced_calls,
      sum(cost_usd) AS cost_usd,
      coalesce(sum(CASE WHEN cost_usd IS NOT NULL THEN total_tokens END), 0) AS priced_tokens,
      0 AS kept_calls
    FROM calls
    GROUP BY 1, 2
  )
SELECT
  group_1,
  group_2,
  sum(calls) AS calls,
  sum(priced) AS priced,
  sum(unpriced_calls) AS unpriced_calls,
  round(sum(cost_usd), 12) AS cost_usd,
  sum(cost_usd) / nullif(sum(priced), 0) AS cost_usd_per_call,
  sum(cost_usd) * 1e6 / nullif(sum(priced_tokens), 0) AS cost_usd_per_million_tokens,
  sum(kept_calls) AS kept_calls
FROM sums
GROUP BY 1, 2
ORDER BY CASE WHEN :group_1 IN ('hour', 'day', 'week') THEN NULL ELSE sum(cost_usd) END DESC, 1, 2;
