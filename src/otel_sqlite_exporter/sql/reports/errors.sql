-- The failures by group, the most frequent first: spans with the status ERROR, and failed model calls and tool executions
-- that were recorded as events or log records. example_trace_id is the trace of the latest failure.
-- Plan: the failed spans of the range by their own index, and one pass over the calls and the tool executions of the
-- range. Only the attributes of failed spans are read.
WITH
  failures (type, service, name, start_time_unix_nano, trace_id) AS (
    SELECT error_type, service_name, name, start_time_unix_nano, trace_id
    FROM errors
    WHERE start_time_unix_nano >= :since AND start_time_unix_nano < :until
    UNION ALL
    SELECT error_type, service_name, name, start_time_unix_nano, trace_id
    FROM complete_llm_interactions
    WHERE source = 'event' AND status = 'error'
      AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
    UNION ALL
    SELECT error_type, service_name, name, start_time_unix_nano, trace_id
    FROM complete_tool_interactions
    WHERE source = 'event' AND status = 'error'
      AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
  )
SELECT
  CASE :group_1
    WHEN 'type' THEN type
    WHEN 'name' THEN name
    WHEN 'service' THEN service
    WHEN 'hour' THEN local_hour(start_time_unix_nano)
    WHEN 'day' THEN local_day(start_time_unix_nano)
    WHEN 'week' THEN local_week(start_time_unix_nano)
  END AS group_1,
  :group_2 AS group_2,
  count(*) AS errors,
  strftime('%Y-%m-%dT%H:%M:%S', max(start_time_unix_nano) / 1000000000, 'unixepoch') || printf('.%06dZ', start_time_unix_nano / 1000 % 1000000) AS last_time,
  trace_id AS example_trace_id
FROM failures
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2;
