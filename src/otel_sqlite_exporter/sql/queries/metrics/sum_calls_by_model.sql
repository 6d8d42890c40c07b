-- Counted calls by model and service: their number, failures, tokens and cost, the most frequent first. Calls that were
-- removed count by the sums that are kept of them.
-- Plan: one pass over the calls. No attributes are read. (LIMIT -1 keeps SQLite from merging the two SELECTs.)
WITH
  calls AS (
    SELECT model, service_name, status, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, cost_usd, cost_status
    FROM complete_llm_interactions
    WHERE counted = 1 AND is_aggregate = 0
    LIMIT -1
  ),
  sums AS (
    SELECT
      model, service_name, 1 AS calls, status = 'error' AS errors, input_tokens, output_tokens, cached_input_tokens,
      reasoning_tokens, cost_usd, cost_usd IS NULL AS without_cost
    FROM calls
    UNION ALL
    SELECT
      model, service_name, calls, failed_calls, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, cost_usd,
      calls - priced
    FROM kept_usage
    WHERE is_aggregate = 0
  )
SELECT
  ifnull(model, '') AS model,
  ifnull(service_name, '') AS service,
  sum(calls) AS calls,
  sum(errors) AS errors,
  total(input_tokens) AS input_tokens,
  total(output_tokens) AS output_tokens,
  total(cached_input_tokens) AS cached_input_tokens,
  total(reasoning_tokens) AS reasoning_tokens,
  total(cost_usd) AS cost_usd,
  sum(without_cost) AS without_cost
FROM sums
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2;
