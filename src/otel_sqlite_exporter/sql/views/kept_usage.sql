CREATE VIEW kept_usage AS
-- One row for each day (UTC) and what its calls name: the usage of the model calls that `prune`, or the exporter by its
-- retention settings, removed from the file. user_id is NULL where users are not kept. Calls are counted ones, as in the
-- view usage. is_aggregate is 1 for agents and workflows whose usage no call repeats. A row may be negative: the removal of one record of a call made another record of it count, which stands
-- in the view usage too, so that sums are right.
-- Calls may cancel each other where tokens or costs do not; a cost below 1e-12 is what doubles leave that cancel each other.
-- A sum of tokens is made of two, of the upper and the lower 32 bits: it stops at 2^63 - 1, where sum() would fail.
SELECT
  date(k.day * 86400, 'unixepoch') AS date,
  k.service_name,
  k.provider,
  k.operation,
  k.request_model,
  k.response_model,
  coalesce(k.response_model, k.request_model) AS model,
  k.agent_name,
  k.user_id,
  k.is_aggregate,
  sum(k.calls) AS calls,
  sum(k.failed_calls) AS failed_calls,
  sum(k.reported) AS reported,
  iif(sum(k.input_high) + (sum(k.input_low) >> 32) > 2147483647, 9223372036854775807, (sum(k.input_high) << 32) + sum(k.input_low)) AS input_tokens,
  iif(sum(k.output_high) + (sum(k.output_low) >> 32) > 2147483647, 9223372036854775807, (sum(k.output_high) << 32) + sum(k.output_low)) AS output_tokens,
  iif(sum(k.total_high) + (sum(k.total_low) >> 32) > 2147483647, 9223372036854775807, (sum(k.total_high) << 32) + sum(k.total_low)) AS total_tokens,
  iif(sum(k.cached_input_high) + (sum(k.cached_input_low) >> 32) > 2147483647, 9223372036854775807, (sum(k.cached_input_high) << 32) + sum(k.cached_input_low)) AS cached_input_tokens,
  iif(sum(k.cache_creation_input_high) + (sum(k.cache_creation_input_low) >> 32) > 2147483647, 9223372036854775807, (sum(k.cache_creation_input_high) << 32) + sum(k.cache_creation_input_low)) AS cache_creation_input_tokens,
  iif(sum(k.reasoning_high) + (sum(k.reasoning_low) >> 32) > 2147483647, 9223372036854775807, (sum(k.reasoning_high) << 32) + sum(k.reasoning_low)) AS reasoning_tokens,
  sum(k.priced) AS priced,
  iif(sum(k.priced_total_high) + (sum(k.priced_total_low) >> 32) > 2147483647, 9223372036854775807, (sum(k.priced_total_high) << 32) + sum(k.priced_total_low)) AS priced_tokens,
  sum(k.unpriced_calls) AS unpriced_calls,
  sum(k.cost_usd) AS cost_usd,
  k.day * 86400000000000 AS start_time_unix_nano
FROM _kept_usage AS k
GROUP BY k.day, k.service_name, k.provider, k.operation, k.request_model, k.response_model, k.agent_name, k.user_id,
  k.is_aggregate
HAVING sum(k.calls) <> 0 OR sum(k.reported) <> 0 OR sum(k.unpriced_calls) <> 0 OR sum(k.failed_calls) <> 0 OR sum(k.priced) <> 0
  OR sum(k.input_high) <> 0 OR sum(k.input_low) <> 0 OR sum(k.output_high) <> 0 OR sum(k.output_low) <> 0
  OR sum(k.total_high) <> 0 OR sum(k.total_low) <> 0 OR sum(k.cached_input_high) <> 0 OR sum(k.cached_input_low) <> 0
  OR sum(k.cache_creation_input_high) <> 0 OR sum(k.cache_creation_input_low) <> 0
  OR sum(k.reasoning_high) <> 0 OR sum(k.reasoning_low) <> 0
  OR sum(k.priced_total_high) <> 0 OR sum(k.priced_total_low) <> 0
  OR abs(sum(k.cost_usd)) > 1e-12;
