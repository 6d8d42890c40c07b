-- The usage of the calls of :spans and of the log records :logs (JSON arrays of ids), by day and what they name. A call of a
-- log record goes with that record, also where its span is in the file.
SELECT
  u.day,
  ifnull(u.service_name, '') AS service_name,
  u.provider,
  u.operation,
  u.request_model,
  u.response_model,
  u.agent_name,
  iif(:with_users, u.user_id, NULL) AS user_id,
  u.is_aggregate,
  sum(u.counted) AS calls,
  sum(u.counted AND u.has_failed) AS failed_calls,
  sum(u.counted AND u.has_usage) AS reported,
  sum(iif(u.counted, u.input_tokens, NULL) >> 32) AS input_high,
  sum(iif(u.counted, u.input_tokens, NULL) & 4294967295) AS input_low,
  sum(iif(u.counted, u.output_tokens, NULL) >> 32) AS output_high,
  sum(iif(u.counted, u.output_tokens, NULL) & 4294967295) AS output_low,
  sum(iif(u.counted, u.total_tokens, NULL) >> 32) AS total_high,
  sum(iif(u.counted, u.total_tokens, NULL) & 4294967295) AS total_low,
  sum(iif(u.counted, u.cached_input_tokens, NULL) >> 32) AS cached_input_high,
  sum(iif(u.counted, u.cached_input_tokens, NULL) & 4294967295) AS cached_input_low,
  sum(iif(u.counted, u.cache_creation_input_tokens, NULL) >> 32) AS cache_creation_input_high,
  sum(iif(u.counted, u.cache_creation_input_tokens, NULL) & 4294967295) AS cache_creation_input_low,
  sum(iif(u.counted, u.reasoning_tokens, NULL) >> 32) AS reasoning_high,
  sum(iif(u.counted, u.reasoning_tokens, NULL) & 4294967295) AS reasoning_low,
  sum(u.counted AND u.cost_usd IS NOT NULL) AS priced,
  sum(iif(u.counted AND u.cost_usd IS NOT NULL, u.total_tokens, NULL) >> 32) AS priced_total_high,
  sum(iif(u.counted AND u.cost_usd IS NOT NULL, u.total_tokens, NULL) & 4294967295) AS priced_total_low,
  sum(u.counted AND u.is_unpriced) AS unpriced_calls,
  sum(iif(u.counted, u.cost_usd, NULL)) AS cost_usd
FROM (
  SELECT i.id
  FROM json_each(:spans) AS j
  CROSS JOIN _llm_interactions AS i ON i.span = j.value
  LEFT JOIN _events AS e ON e.id = i.event
  WHERE i.counted = 1 AND e.log IS NULL
  UNION ALL
  SELECT i.id
  FROM json_each(:logs) AS j
  CROSS JOIN _events AS e ON e.log = j.value
  CROSS JOIN _llm_interactions AS i ON i.event = e.id
  WHERE i.counted = 1
) AS c
CROSS JOIN _call_usage AS u ON u.id = c.id
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;
