-- The newest model calls.
SELECT request_timestamp, session_id, model, status, duration_ms, total_tokens, cost_usd
FROM complete_llm_interactions
WHERE counted
ORDER BY start_time_unix_nano DESC
LIMIT 50;
