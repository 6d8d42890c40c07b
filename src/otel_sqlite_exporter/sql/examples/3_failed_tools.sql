-- Tools that failed, with what they were given.
SELECT start_time, session_id, trace_id, tool_name, error_type, error_message, arguments
FROM complete_tool_interactions
WHERE counted AND status = 'error'
ORDER BY start_time_unix_nano DESC
LIMIT 50;
