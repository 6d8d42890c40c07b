-- The durations of finished pairs, from the start record to the finish record, by group. A percentile is exact: p90 is
-- the shortest duration that at least 90% of the pairs do not exceed.
-- Plan: one pass over the model calls or tool executions of the range, by the index of their start if :since or :until
-- is given; for spans and events one pass over the finishes among all records. Then one sort by group and duration. No
-- attributes are read.
WITH
  pairs (name, duration_ms) AS (
    SELECT
      CASE :group_1
        WHEN 'model' THEN model
        WHEN 'provider' THEN provider
        WHEN 'operation' THEN operation
        WHEN 'agent' THEN agent_name
      END,
      duration_ms
    FROM complete_llm_interactions
    WHERE :group_1 IN ('model', 'provider', 'operation', 'agent')
      AND counted = 1 AND status NOT IN ('running', 'interrupted')
      AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
    UNION ALL
    SELECT tool_name, duration_ms
    FROM complete_tool_interactions
    WHERE :group_1 = 'tool'
      AND status NOT IN ('running', 'interrupted')
      AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
    UNION ALL
    SELECT CASE :group_1 WHEN 'service' THEN service_name WHEN 'name' THEN name END, duration_ms
    FROM events
    WHERE :group_1 IN ('service', 'name')
      AND phase = 'finish' AND time_source <> 'estimated' AND related_event_id IS NOT NULL
      AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
  ),
  ranked AS (
    SELECT
      name,
      duration_ms,
      row_number() OVER pairs_in_order AS position,
      count(*) OVER all_pairs AS pairs,
      avg(duration_ms) OVER all_pairs AS mean_ms
    FROM pairs
    WHERE duration_ms IS NOT NULL
    WINDOW
      pairs_in_order AS (PARTITION BY name ORDER BY duration_ms),
      all_pairs AS (
        PARTITION BY name ORDER BY duration_ms ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
      )
  )
SELECT
  name AS group_1,
  pairs,
  min(duration_ms) FILTER (WHERE position = (pairs + 1) / 2) AS p50_ms,
  min(duration_ms) FILTER (WHERE position = (pairs * 9 + 9) / 10) AS p90_ms,
  min(duration_ms) FILTER (WHERE position = (pairs * 99 + 99) / 100) AS p99_ms,
  max(duration_ms) AS max_ms,
  min(mean_ms) AS mean_ms
FROM ranked
WHERE position IN ((pairs + 1) / 2, (pairs * 9 + 9) / 10, (pairs * 99 + 99) / 100, pairs)
GROUP BY 1
ORDER BY 2 DESC, 1;
