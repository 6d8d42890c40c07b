-- The tool executions by one or two groups: their number, their failures, and their durations. Plan: one pass over the
-- columns of the tool executions of the range.
WITH
  executions AS (
    SELECT
      CASE :group_1
        WHEN 'tool' THEN tool_name
        WHEN 'agent' THEN agent_name
        WHEN 'service' THEN service_name
        WHEN 'session' THEN session_id
        WHEN 'conversation' THEN conversation_id
        WHEN 'user' THEN user_id
        WHEN 'error' THEN error_type
        WHEN 'status' THEN status
        WHEN 'hour' THEN local_hour(start_time_unix_nano)
        WHEN 'day' THEN local_day(start_time_unix_nano)
        WHEN 'week' THEN local_week(start_time_unix_nano)
      END AS group_1,
      :group_2 AS group_2,
      start_time_unix_nano,
      status,
      CASE WHEN status NOT IN ('running', 'interrupted') THEN duration_ms END AS duration_ms
    FROM complete_tool_interactions
    WHERE counted = 1 AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
  ),
  ranked AS (
    SELECT
      *,
      row_number() OVER (PARTITION BY group_1, group_2 ORDER BY duration_ms NULLS LAST) AS position,
      count(duration_ms) OVER (PARTITION BY group_1, group_2) AS timed
    FROM executions
  )
SELECT
  group_1,
  group_2,
  count(*) AS executions,
  count(*) FILTER (WHERE status = 'error') AS errors,
  count(*) FILTER (WHERE status = 'error') * 1.0 / count(*) AS error_rate,
  min(duration_ms) FILTER (WHERE position >= timed * 0.5) AS p50_ms,
  min(duration_ms) FILTER (WHERE position >= timed * 0.9) AS p90_ms,
  max(duration_ms) AS max_ms,
  strftime(make_timestamp(max(start_time_unix_nano) // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS last_time
FROM ranked
GROUP BY 1, 2
ORDER BY CASE WHEN :group_1 IN ('hour', 'day', 'week') THEN 0 ELSE count(*) END DESC, 1, 2;
