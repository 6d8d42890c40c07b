-- The tokens of counted calls, by one or two groups. reported is the number of calls that report usage. NULL: no call
-- reports this kind of token.
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
  )
SELECT
  group_1,
  group_2,
  count(*) AS calls,
  count(coalesce(total_tokens, input_tokens, output_tokens)) AS reported,
  iif(sum(input_tokens >> 32) + (sum(input_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(input_tokens >> 32) << 32) + sum(input_tokens & 4294967295)) AS input_tokens,
  iif(sum(output_tokens >> 32) + (sum(output_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(output_tokens >> 32) << 32) + sum(output_tokens & 4294967295)) AS output_tokens,
  iif(sum(total_tokens >> 32) + (sum(total_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(total_tokens >> 32) << 32) + sum(total_tokens & 4294967295)) AS total_tokens,
  iif(sum(cached_input_tokens >> 32) + (sum(cached_input_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(cached_input_tokens >> 32) << 32) + sum(cached_input_tokens & 4294967295)) AS cached_input_tokens,
  iif(sum(cache_creation_input_tokens >> 32) + (sum(cache_creation_input_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(cache_creation_input_tokens >> 32) << 32) + sum(cache_creation_input_tokens & 4294967295)) AS cache_creation_input_tokens,
  iif(sum(reasoning_tokens >> 32) + (sum(reasoning_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(reasoning_tokens >> 32) << 32) + sum(reasoning_tokens & 4294967295)) AS reasoning_tokens
FROM calls
GROUP BY 1, 2
ORDER BY 1, 2;
