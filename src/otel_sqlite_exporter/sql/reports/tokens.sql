-- The tokens of counted calls, by one or two groups. reported is the number of calls that report usage. NULL: no call
-- reports this kind of token. kept_calls are those of calls that `prune` removed: of these, the daily sums (UTC) are kept.
-- Plan: one pass over the calls of the range, by the index of their start if :since or :until is given, sorted by group.
-- The group request_model reads the names of the models of all calls first. No attributes are read. (LIMIT -1 keeps
-- SQLite from merging the two SELECTs, and so from reading for each call what the groups do not use.)
-- A sum of tokens is made of two, of the upper and the lower 32 bits: it stops at 2^63 - 1, where sum() would fail.
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
    LIMIT -1
  ),
  sums AS (
    SELECT
      group_1,
      group_2,
      count(*) AS calls,
      count(coalesce(total_tokens, input_tokens, output_tokens)) AS reported,
      sum(input_tokens >> 32) AS input_high,
      sum(input_tokens & 4294967295) AS input_low,
      sum(output_tokens >> 32) AS output_high,
      sum(output_tokens & 4294967295) AS output_low,
      sum(total_tokens >> 32) AS total_high,
      sum(total_tokens & 4294967295) AS total_low,
      sum(cached_input_tokens >> 32) AS cached_input_high,
      sum(cached_input_tokens & 4294967295) AS cached_input_low,
      sum(cache_creation_input_tokens >> 32) AS cache_creation_input_high,
      sum(cache_creation_input_tokens & 4294967295) AS cache_creation_input_low,
      sum(reasoning_tokens >> 32) AS reasoning_high,
      sum(reasoning_tokens & 4294967295) AS reasoning_low,
      0 AS kept_calls
    FROM calls
    GROUP BY 1, 2
    UNION ALL
    SELECT
      CASE :group_1
        WHEN 'model' THEN model
        WHEN 'request_model' THEN asked_model(request_model, response_model)
        WHEN 'provider' THEN provider
        WHEN 'operation' THEN operation
        WHEN 'user' THEN user_id
        WHEN 'agent' THEN agent_name
        WHEN 'service' THEN service_name
        WHEN 'day' THEN date
        WHEN 'week' THEN date(date, 'weekday 0', '-6 days')
      END AS group_1,
      :group_2 AS group_2,
      calls,
      reported,
      input_tokens >> 32,
      input_tokens & 4294967295,
      output_tokens >> 32,
      output_tokens & 4294967295,
      total_tokens >> 32,
      total_tokens & 4294967295,
      cached_input_tokens >> 32,
      cached_input_tokens & 4294967295,
      cache_creation_input_tokens >> 32,
      cache_creation_input_tokens & 4294967295,
      reasoning_tokens >> 32,
      reasoning_tokens & 4294967295,
      calls
    FROM kept_usage
    WHERE start_time_unix_nano >= :since AND start_time_unix_nano < :until
  )
SELECT
  group_1,
  group_2,
  sum(calls) AS calls,
  sum(reported) AS reported,
  iif(sum(input_high) + (sum(input_low) >> 32) > 2147483647, 9223372036854775807, (sum(input_high) << 32) + sum(input_low)) AS input_tokens,
  iif(sum(output_high) + (sum(output_low) >> 32) > 2147483647, 9223372036854775807, (sum(output_high) << 32) + sum(output_low)) AS output_tokens,
  iif(sum(total_high) + (sum(total_low) >> 32) > 2147483647, 9223372036854775807, (sum(total_high) << 32) + sum(total_low)) AS total_tokens,
  iif(sum(cached_input_high) + (sum(cached_input_low) >> 32) > 2147483647, 9223372036854775807, (sum(cached_input_high) << 32) + sum(cached_input_low)) AS cached_input_tokens,
  iif(sum(cache_creation_input_high) + (sum(cache_creation_input_low) >> 32) > 2147483647, 9223372036854775807, (sum(cache_creation_input_high) << 32) + sum(cache_creation_input_low)) AS cache_creation_input_tokens,
  iif(sum(reasoning_high) + (sum(reasoning_low) >> 32) > 2147483647, 9223372036854775807, (sum(reasoning_high) << 32) + sum(reasoning_low)) AS reasoning_tokens,
  sum(kept_calls) AS kept_calls
FROM sums
GROUP BY 1, 2
ORDER BY 1, 2;
