-- The failures by group, the most frequent first, each once, by its cause: a failure that passed through several spans
-- is one, and failed calls and tool executions without a failed span count too. requests are the traces whose root or
-- entry span failed with it; calls and tools are the counted ones that did. cause, message, last_time and the example
-- are those of the latest.
-- Plan: the failed spans, calls and tool executions of the range, each by an index of its own. Only the attributes of
-- failed spans are read.
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
  count(DISTINCT iif(requests > 0, trace_id, NULL)) AS requests,
  sum(calls) AS calls,
  sum(tools) AS tools,
  name AS cause,
  substr(message, 1, 200) AS message,
  strftime('%Y-%m-%dT%H:%M:%S', max(start_time_unix_nano) / 1000000000, 'unixepoch') || printf('.%06dZ', start_time_unix_nano / 1000 % 1000000) AS last_time,
  trace_id AS example_trace_id,
  span_id AS example_span_id
FROM errors
WHERE start_time_unix_nano >= :since AND start_time_unix_nano < :until
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2;
