CREATE VIEW usage AS
-- One row for each day (UTC) and what its calls name: counted model calls, tokens and cost. is_aggregate is 1 for
-- agents and workflows that report usage that no call repeats. is_kept is 0 for the calls in the file, and 1 for those that were removed,
-- whose daily sums are kept: sum both, and `prune` changes no sum. reported is the number of calls with usage, priced of
-- those with a known cost; priced_tokens are the total tokens of the latter. NULL: no call tells.
-- A sum of tokens is made of two, of the upper and the lower 32 bits: it stops at 2^63 - 1, where sum() would fail.
SELECT
  date(u.day * 86400, 'unixepoch') AS date,
  u.service_name,
  u.provider,
  u.operation,
  u.request_model,
  u.response_model,
  coalesce(u.response_model, u.request_model) AS model,
  u.agent_name,
  u.user_id,
  u.is_aggregate,
  0 AS is_kept,
  count(*) AS calls,
  sum(u.has_failed) AS failed_calls,
  sum(u.has_usage) AS reported,
  iif(sum(u.input_tokens >> 32) + (sum(u.input_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(u.input_tokens >> 32) << 32) + sum(u.input_tokens & 4294967295)) AS input_tokens,
  iif(sum(u.output_tokens >> 32) + (sum(u.output_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(u.output_tokens >> 32) << 32) + sum(u.output_tokens & 4294967295)) AS output_tokens,
  iif(sum(u.total_tokens >> 32) + (sum(u.total_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(u.total_tokens >> 32) << 32) + sum(u.total_tokens & 4294967295)) AS total_tokens,
  iif(sum(u.cached_input_tokens >> 32) + (sum(u.cached_input_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(u.cached_input_tokens >> 32) << 32) + sum(u.cached_input_tokens & 4294967295)) AS cached_input_tokens,
  iif(sum(u.cache_creation_input_tokens >> 32) + (sum(u.cache_creation_input_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(u.cache_creation_input_tokens >> 32) << 32) + sum(u.cache_creation_input_tokens & 4294967295)) AS cache_creation_input_tokens,
  iif(sum(u.reasoning_tokens >> 32) + (sum(u.reasoning_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(u.reasoning_tokens >> 32) << 32) + sum(u.reasoning_tokens & 4294967295)) AS reasoning_tokens,
  count(u.cost_usd) AS priced,
  iif(sum(iif(u.cost_usd IS NULL, NULL, u.total_tokens) >> 32) + (sum(iif(u.cost_usd IS NULL, NULL, u.total_tokens) & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(iif(u.cost_usd IS NULL, NULL, u.total_tokens) >> 32) << 32) + sum(iif(u.cost_usd IS NULL, NULL, u.total_tokens) & 4294967295)) AS priced_tokens,
  sum(u.is_unpriced) AS unpriced_calls,
  sum(u.cost_usd) AS cost_usd
FROM _call_usage AS u
WHERE u.counted = 1
GROUP BY u.day, u.service_name, u.provider, u.operation, u.request_model, u.response_model, u.agent_name, u.user_id,
  u.is_aggregate
UNION ALL
SELECT
  k.date, k.service_name, k.provider, k.operation, k.request_model, k.response_model, k.model, k.agent_name, k.user_id,
  k.is_aggregate, 1, k.calls, k.failed_calls, k.reported, k.input_tokens, k.output_tokens, k.total_tokens, k.cached_input_tokens,
  k.cache_creation_input_tokens, k.reasoning_tokens, k.priced, k.priced_tokens, k.unpriced_calls, k.cost_usd
FROM kept_usage AS k;
