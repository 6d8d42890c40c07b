-- What the changed calls that are still there added to the sums (sign 1), and what they add now (sign -1). A name that a
-- call did not tell itself is the one that is found for it now.
SELECT
  u.day,
  ifnull(u.service_name, '') AS service_name,
  iif(s.value = 1, ifnull(c.provider, u.provider), u.provider) AS provider,
  iif(s.value = 1, ifnull(c.operation, u.operation), u.operation) AS operation,
  iif(s.value = 1, ifnull(c.request_model, u.request_model), u.request_model) AS request_model,
  iif(s.value = 1, ifnull(c.response_model, u.response_model), u.response_model) AS response_model,
  iif(s.value = 1, ifnull(c.agent_name, u.agent_name), u.agent_name) AS agent_name,
  iif(:with_users, iif(s.value = 1, ifnull(c.user_id, u.user_id), u.user_id), NULL) AS user_id,
  u.is_aggregate,
  sum(s.value * iif(s.value = 1, c.counted, u.counted)) AS calls,
  sum(s.value * (iif(s.value = 1, c.counted, u.counted) AND iif(s.value = 1, c.has_failed, u.has_failed))) AS failed_calls,
  sum(s.value * (iif(s.value = 1, c.counted, u.counted) AND iif(s.value = 1, c.has_usage, u.has_usage))) AS reported,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted), iif(s.value = 1, c.input_tokens, u.input_tokens), NULL) >> 32)) AS input_high,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted), iif(s.value = 1, c.input_tokens, u.input_tokens), NULL) & 4294967295)) AS input_low,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted), iif(s.value = 1, c.output_tokens, u.output_tokens), NULL) >> 32)) AS output_high,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted), iif(s.value = 1, c.output_tokens, u.output_tokens), NULL) & 4294967295)) AS output_low,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted), iif(s.value = 1, c.total_tokens, u.total_tokens), NULL) >> 32)) AS total_high,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted), iif(s.value = 1, c.total_tokens, u.total_tokens), NULL) & 4294967295)) AS total_low,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted), iif(s.value = 1, c.cached_input_tokens, u.cached_input_tokens), NULL) >> 32)) AS cached_input_high,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted), iif(s.value = 1, c.cached_input_tokens, u.cached_input_tokens), NULL) & 4294967295)) AS cached_input_low,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted), iif(s.value = 1, c.cache_creation_input_tokens, u.cache_creation_input_tokens), NULL) >> 32)) AS cache_creation_input_high,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted), iif(s.value = 1, c.cache_creation_input_tokens, u.cache_creation_input_tokens), NULL) & 4294967295)) AS cache_creation_input_low,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted), iif(s.value = 1, c.reasoning_tokens, u.reasoning_tokens), NULL) >> 32)) AS reasoning_high,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted), iif(s.value = 1, c.reasoning_tokens, u.reasoning_tokens), NULL) & 4294967295)) AS reasoning_low,
  sum(s.value * (iif(s.value = 1, c.counted, u.counted) AND iif(s.value = 1, c.cost_usd, u.cost_usd) IS NOT NULL)) AS priced,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted) AND iif(s.value = 1, c.cost_usd, u.cost_usd) IS NOT NULL, iif(s.value = 1, c.total_tokens, u.total_tokens), NULL) >> 32)) AS priced_total_high,
  sum(s.value * (iif(iif(s.value = 1, c.counted, u.counted) AND iif(s.value = 1, c.cost_usd, u.cost_usd) IS NOT NULL, iif(s.value = 1, c.total_tokens, u.total_tokens), NULL) & 4294967295)) AS priced_total_low,
  sum(s.value * (iif(s.value = 1, c.counted, u.counted) AND iif(s.value = 1, c.is_unpriced, u.is_unpriced))) AS unpriced_calls,
  sum(s.value * iif(iif(s.value = 1, c.counted, u.counted), iif(s.value = 1, c.cost_usd, u.cost_usd), NULL)) AS cost_usd
FROM _changed_usage AS c
CROSS JOIN _call_usage AS u ON u.id = c.id
CROSS JOIN json_each('[1, -1]') AS s
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;
