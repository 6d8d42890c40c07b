-- The sessions of the range, by group, the latest first: their contents and their mean duration. Tokens are those of
-- counted calls. Plan: the rows of the table sessions, one a session and day.
SELECT
  CASE :group_1
    WHEN 'session' THEN session_id
    WHEN 'user' THEN user_id
    WHEN 'service' THEN service_name
    WHEN 'hour' THEN local_hour(end_time_unix_nano)
    WHEN 'day' THEN local_day(end_time_unix_nano)
    WHEN 'week' THEN local_week(end_time_unix_nano)
  END AS group_1,
  count(*) AS sessions,
  max(end_time) AS last_end_time,
  sum(traces) AS traces,
  sum(spans) AS spans,
  sum(llm_calls) AS llm_calls,
  sum(failed_requests) AS failed_requests,
  sum(failed_calls) AS failed_calls,
  sum(failed_tools) AS failed_tools,
  CASE WHEN sum(total_tokens) > 9223372036854775807 THEN 9223372036854775807 ELSE sum(total_tokens) END AS total_tokens,
  avg(duration_ms) AS mean_duration_ms
FROM sessions
WHERE end_time_unix_nano >= :since AND start_time_unix_nano < :until
GROUP BY 1
ORDER BY 3 DESC, 1
LIMIT :limit;
