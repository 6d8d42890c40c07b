-- The run that removed something last.
SELECT d.command, d.end_time, d.is_complete, d.sessions, d.traces, d.spans, d.logs
FROM deletions AS d
ORDER BY d.end_time DESC, d.run_id
LIMIT 1;
