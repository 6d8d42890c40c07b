-- The durations of pairs that ended, by operation and service, in steps of seconds: calls by their operation, executions
-- of tools as execute_tool, and all spans by their kind.
-- Plan: one pass over the calls, one over the executions and one over the spans. No attributes are read.
WITH
  pairs (operation, service, seconds) AS (
    SELECT ifnull(operation, ''), service_name, duration_ms / 1000
    FROM complete_llm_interactions
    WHERE counted = 1 AND is_aggregate = 0 AND status IN ('ok', 'error') AND duration_ms >= 0
    UNION ALL
    SELECT 'execute_tool', service_name, duration_ms / 1000
    FROM complete_tool_interactions
    WHERE counted = 1 AND status IN ('ok', 'error') AND duration_ms >= 0
    UNION ALL
    SELECT 'span ' || lower(kind), service_name, duration_ms / 1000
    FROM spans
    WHERE status IN ('ok', 'error') AND duration_ms >= 0
  )
SELECT
  operation,
  ifnull(service, '') AS service,
  count(*) AS pairs,
  total(seconds) AS seconds,
  sum(seconds <= 0.005) AS "0.005",
  sum(seconds <= 0.01) AS "0.01",
  sum(seconds <= 0.025) AS "0.025",
  sum(seconds <= 0.05) AS "0.05",
  sum(seconds <= 0.1) AS "0.1",
  sum(seconds <= 0.25) AS "0.25",
  sum(seconds <= 0.5) AS "0.5",
  sum(seconds <= 1) AS "1.0",
  sum(seconds <= 2.5) AS "2.5",
  sum(seconds <= 5) AS "5.0",
  sum(seconds <= 10) AS "10.0",
  sum(seconds <= 30) AS "30.0",
  sum(seconds <= 60) AS "60.0",
  sum(seconds <= 120) AS "120.0",
  sum(seconds <= 300) AS "300.0"
FROM pairs
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2;
