-- The sessions of the range, by group, the latest first: their contents and their mean duration. Tokens are those of
-- counted calls.
-- Plan: the sessions of the range by the index of their end, each with its sums by the index of its traces. No
-- attributes are read.
-- A sum of tokens is made of two, of the upper and the lower 32 bits: it stops at 2^63 - 1, where sum() would fail.
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
  iif(sum(total_tokens >> 32) + (sum(total_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(total_tokens >> 32) << 32) + sum(total_tokens & 4294967295)) AS total_tokens,
  avg(duration_ms) AS mean_duration_ms
FROM sessions
WHERE end_time_unix_nano >= :since AND start_time_unix_nano < :until
GROUP BY 1
ORDER BY 3 DESC, 1
LIMIT :limit;
