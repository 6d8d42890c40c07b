-- The :limit sessions that ended last, the newest first.
SELECT
  session_id, user_id, service_name, start_time, end_time, status, traces, spans, llm_calls, failed_requests,
  failed_calls, failed_tools, errors, total_tokens
FROM sessions
ORDER BY end_time_unix_nano DESC, session_id
LIMIT :limit;
