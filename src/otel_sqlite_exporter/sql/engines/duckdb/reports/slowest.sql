-- The longest model calls, tool executions or spans, the slowest first. The duration of a running one is its time so
-- far. Plan: one pass over the durations of the calls, executions, or spans, of the range.
WITH
  candidates (duration_ms, start_time, status, name, model, agent_name, session_id, user_id, service_name, trace_id, span_id, id) AS (
    SELECT duration_ms, request_timestamp, status, name, model, agent_name, session_id, user_id, service_name, trace_id, span_id, id
    FROM complete_llm_interactions
    WHERE :group_1 = 'call' AND id IN (
      SELECT id
      FROM complete_llm_interactions
      WHERE :group_1 = 'call' AND counted = 1
        AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
      ORDER BY duration_ms DESC, start_time_unix_nano
      LIMIT :limit
    )
    UNION ALL
    SELECT duration_ms, start_time, status, name, NULL, agent_name, session_id, user_id, service_name, trace_id, span_id, id
    FROM complete_tool_interactions
    WHERE :group_1 = 'tool' AND id IN (
      SELECT id
      FROM complete_tool_interactions
      WHERE :group_1 = 'tool' AND counted = 1 AND duration_ms IS NOT NULL
        AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
      ORDER BY duration_ms DESC, start_time_unix_nano
      LIMIT :limit
    )
    UNION ALL
    SELECT duration_ms, start_time, status, name, NULL, NULL, session_id, user_id, service_name, trace_id, span_id, id
    FROM spans
    WHERE :group_1 = 'span' AND id IN (
      SELECT id
      FROM spans
      WHERE :group_1 = 'span'
        AND start_time_unix_nano >= :since AND start_time_unix_nano < :until
      ORDER BY duration_ms DESC, start_time_unix_nano
      LIMIT :limit
    )
  )
SELECT *
FROM candidates
ORDER BY duration_ms DESC, start_time, span_id
LIMIT :limit;
