-- What the metrics of agents, and of programs that call models, say that these have used and done, by one or two
-- groups. input_tokens include the cached and cache-creation ones, output_tokens include reasoning. The model calls of
-- the other reports are the same work, so never add both; `doctor` compares them. NULL: no metric tells. agent is that
-- of the metric, else the service; type is the kind of a measure: the tool, the kind of tokens, or the status of a
-- request. Plan: the data points of the range of these metrics.
WITH
  used AS (
    SELECT
      CASE :group_1
        WHEN 'agent' THEN agent_name
        WHEN 'service' THEN service_name
        WHEN 'model' THEN model
        WHEN 'session' THEN session_id
        WHEN 'user' THEN user_id
        WHEN 'type' THEN type
        WHEN 'hour' THEN local_hour(time_unix_nano)
        WHEN 'day' THEN local_day(time_unix_nano)
        WHEN 'week' THEN local_week(time_unix_nano)
      END AS group_1,
      :group_2 AS group_2,
      measure,
      type,
      amount
    FROM _agent_points
    WHERE time_unix_nano >= :since AND time_unix_nano < :until
  )
SELECT
  group_1,
  group_2,
  CAST(trunc(sum(amount) FILTER (WHERE measure = 'sessions')) AS BIGINT) AS sessions,
  CAST(trunc(sum(amount) FILTER (WHERE measure = 'turns')) AS BIGINT) AS turns,
  CAST(trunc(sum(amount) FILTER (WHERE measure = 'api_requests')) AS BIGINT) AS api_requests,
  CAST(trunc(sum(amount) FILTER (WHERE type = 'input_tokens')) AS BIGINT) AS input_tokens,
  CAST(trunc(sum(amount) FILTER (WHERE type = 'cached_input_tokens')) AS BIGINT) AS cached_input_tokens,
  CAST(trunc(sum(amount) FILTER (WHERE type = 'cache_creation_input_tokens')) AS BIGINT) AS cache_creation_input_tokens,
  CAST(trunc(sum(amount) FILTER (WHERE type = 'output_tokens')) AS BIGINT) AS output_tokens,
  CAST(trunc(sum(amount) FILTER (WHERE type = 'reasoning_tokens')) AS BIGINT) AS reasoning_tokens,
  sum(amount) FILTER (WHERE measure = 'cost') AS cost_usd,
  CAST(trunc(sum(amount) FILTER (WHERE measure = 'tool_calls')) AS BIGINT) AS tool_calls,
  CAST(trunc(sum(amount) FILTER (WHERE measure = 'edit_decisions' AND type = 'accept')) AS BIGINT) AS accepted_edits,
  CAST(trunc(sum(amount) FILTER (WHERE measure = 'edit_decisions' AND type = 'reject')) AS BIGINT) AS rejected_edits,
  CAST(trunc(sum(amount) FILTER (WHERE measure = 'lines' AND type = 'added')) AS BIGINT) AS added_lines,
  CAST(trunc(sum(amount) FILTER (WHERE measure = 'lines' AND type = 'removed')) AS BIGINT) AS removed_lines,
  CAST(trunc(sum(amount) FILTER (WHERE measure = 'commits')) AS BIGINT) AS commits,
  CAST(trunc(sum(amount) FILTER (WHERE measure = 'pull_requests')) AS BIGINT) AS pull_requests,
  1000 * sum(amount) FILTER (WHERE measure = 'active_time') AS active_ms
FROM used
GROUP BY 1, 2
ORDER BY 1, 2;
