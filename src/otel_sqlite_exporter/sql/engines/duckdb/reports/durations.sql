-- The durations of finished pairs, from the start record to the finish record, by one or two groups, and how many
-- failed. A percentile is exact: p90 is the shortest duration that at least 90% of the pairs do not exceed. error_rate
-- is the share of all that ended, with a duration or without. NULL: the records of spans do not say whether they
-- failed. Plan: one pass over the columns of the calls, executions, or records, of the range, and a sort by group and
-- duration.
WITH
  pairs (group_1, group_2, duration_ms, is_error) AS (
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
      END,
      :group_2,
      duration_ms,
      CAST(status = 'error' AS BIGINT)
    FROM complete_llm_interactions
    WHERE :subject = 'call'
      AND counted = 1 AND status NOT IN ('running', 'interrupted')
      AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
    UNION ALL
    SELECT
      CASE :group_1
        WHEN 'tool' THEN tool_name
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
      END,
      :group_2,
      duration_ms,
      CAST(status = 'error' AS BIGINT)
    FROM complete_tool_interactions
    WHERE :subject = 'tool'
      AND status NOT IN ('running', 'interrupted')
      AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
    UNION ALL
    SELECT
      CASE :group_1
        WHEN 'service' THEN service_name
        WHEN 'name' THEN name
        WHEN 'session' THEN session_id
        WHEN 'hour' THEN local_hour(start_time_unix_nano)
        WHEN 'day' THEN local_day(start_time_unix_nano)
        WHEN 'week' THEN local_week(start_time_unix_nano)
      END,
      :group_2,
      duration_ms,
      NULL
    FROM events
    WHERE :subject = 'record'
      AND phase = 'finish' AND time_source <> 'estimated' AND related_event_id IS NOT NULL
      AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
  ),
  ranked AS (
    SELECT
      group_1,
      group_2,
      duration_ms,
      row_number() OVER pairs_in_order AS position,
      count(duration_ms) OVER all_pairs AS pairs,
      avg(duration_ms) OVER all_pairs AS mean_ms,
      sum(is_error) OVER all_pairs AS errors,
      count(is_error) OVER all_pairs AS ended
    FROM pairs
    WINDOW
      pairs_in_order AS (PARTITION BY group_1, group_2 ORDER BY duration_ms NULLS LAST),
      all_pairs AS (
        PARTITION BY group_1, group_2 ORDER BY duration_ms NULLS LAST
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      )
  )
SELECT
  group_1,
  group_2,
  max(pairs) AS pairs,
  min(duration_ms) FILTER (WHERE position = (pairs + 1) // 2) AS p50_ms,
  min(duration_ms) FILTER (WHERE position = (pairs * 9 + 9) // 10) AS p90_ms,
  min(duration_ms) FILTER (WHERE position = (pairs * 99 + 99) // 100) AS p99_ms,
  max(duration_ms) AS max_ms,
  min(mean_ms) AS mean_ms,
  max(errors) AS errors,
  max(errors) * 1.0 / nullif(max(ended), 0) AS error_rate
FROM ranked
WHERE position IN ((pairs + 1) // 2, (pairs * 9 + 9) // 10, (pairs * 99 + 99) // 100, pairs)
GROUP BY 1, 2
ORDER BY CASE WHEN :group_1 IN ('hour', 'day', 'week') THEN 0 ELSE max(pairs) END DESC, 1, 2;
