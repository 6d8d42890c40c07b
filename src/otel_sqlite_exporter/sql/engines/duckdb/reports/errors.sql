-- The failures by group, the most frequent first, each once, by its cause: a failure that passed through several spans
-- is one, and failed calls and tool executions without a failed span count too. requests are the traces whose root or
-- entry span failed with it; calls and tools are the counted ones that did. cause, message, last_time and the example
-- are those of the latest. Plan: one pass over the rows of the table errors.
SELECT
  CASE :group_1
    WHEN 'type' THEN error_type
    WHEN 'name' THEN name
    WHEN 'message' THEN message
    WHEN 'model' THEN model
    WHEN 'request_model' THEN request_model
    WHEN 'tool' THEN tool_name
    WHEN 'service' THEN service_name
    WHEN 'hour' THEN local_hour(start_time_unix_nano)
    WHEN 'day' THEN local_day(start_time_unix_nano)
    WHEN 'week' THEN local_week(start_time_unix_nano)
  END AS group_1,
  :group_2 AS group_2,
  count(*) AS errors,
  count(DISTINCT CASE WHEN requests > 0 THEN trace_id END) AS requests,
  sum(calls) AS calls,
  sum(tools) AS tools,
  arg_max(name, (start_time_unix_nano, id)) AS cause,
  substr(nullif(arg_max(coalesce(message, ''), (start_time_unix_nano, id)), ''), 1, 200) AS message,
  strftime(make_timestamp(max(start_time_unix_nano) // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS last_time,
  nullif(arg_max(coalesce(trace_id, ''), (start_time_unix_nano, id)), '') AS example_trace_id,
  nullif(arg_max(coalesce(span_id, ''), (start_time_unix_nano, id)), '') AS example_span_id
FROM errors
WHERE start_time_unix_nano >= :since AND start_time_unix_nano < :until
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2;
