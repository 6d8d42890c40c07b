-- The tokens of counted calls, by one or two groups. reported is the number of calls that report usage. NULL: no call
-- reports this kind of token.
-- Plan: one pass over the calls of the range, by the index of their start if :since or :until is given, sorted by group.
-- No attributes are read. (LIMIT -1 keeps SQLite from merging the two SELECTs, and so from reading for each call what
-- the groups do not use.)
WITH
  calls AS (
    SELECT
      CASE :group_1
        WHEN 'model' THEN model
        WHEN 'provider' THEN provider
        WHEN 'operation' THEN operation
        WHEN 'session' THEN session_id
        WHEN 'conversation' THEN conversation_id
        WHEN 'user' THEN user_id
        WHEN 'agent' THEN agent_name
        WHEN 'service' THEN service_name
        WHEN 'day' THEN date(start_time_unix_nano / 1000000000, 'unixepoch')
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
  sum(input_tokens) AS input_tokens,
  sum(output_tokens) AS output_tokens,
  sum(total_tokens) AS total_tokens,
  sum(cached_input_tokens) AS cached_input_tokens,
  sum(cache_creation_input_tokens) AS cache_creation_input_tokens,
  sum(reasoning_tokens) AS reasoning_tokens
FROM calls
GROUP BY 1, 2
ORDER BY 1, 2;
