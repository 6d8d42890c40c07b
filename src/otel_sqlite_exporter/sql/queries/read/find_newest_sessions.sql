-- The :limit sessions that ended last, the newest first.
SELECT session_id, user_id, service_name, start_time, end_time, traces, spans, errors, llm_calls, total_tokens
FROM sessions
ORDER BY end_time_unix_nano DESC, session_id
LIMIT :limit;
