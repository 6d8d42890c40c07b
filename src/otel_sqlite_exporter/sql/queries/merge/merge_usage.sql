-- Adds a kept sum of usage of another file. Such a sum only grows, so the greater one is the later one.
INSERT INTO _kept_usage (
  source, day, service_name, provider, operation, request_model, response_model, agent_name, user_id,
  is_aggregate, calls, failed_calls, reported, input_high, input_low, output_high, output_low, total_high, total_low, cached_input_high,
  cached_input_low, cache_creation_input_high, cache_creation_input_low, reasoning_high, reasoning_low, priced,
  priced_total_high, priced_total_low, unpriced_calls, cost_usd
)
VALUES (
  :source, :day, :service_name, :provider, :operation, :request_model, :response_model, :agent_name, :user_id,
  :is_aggregate, :calls, :failed_calls, :reported, :input_high, :input_low, :output_high, :output_low, :total_high, :total_low,
  :cached_input_high, :cached_input_low, :cache_creation_input_high, :cache_creation_input_low, :reasoning_high,
  :reasoning_low, :priced, :priced_total_high, :priced_total_low, :unpriced_calls, :cost_usd
)
ON CONFLICT DO UPDATE SET
  calls = excluded.calls,
  failed_calls = excluded.failed_calls,
  reported = excluded.reported,
  input_high = excluded.input_high,
  input_low = excluded.input_low,
  output_high = excluded.output_high,
  output_low = excluded.output_low,
  total_high = excluded.total_high,
  total_low = excluded.total_low,
  cached_input_high = excluded.cached_input_high,
  cached_input_low = excluded.cached_input_low,
  cache_creation_input_high = excluded.cache_creation_input_high,
  cache_creation_input_low = excluded.cache_creation_input_low,
  reasoning_high = excluded.reasoning_high,
  reasoning_low = excluded.reasoning_low,
  priced = excluded.priced,
  priced_total_high = excluded.priced_total_high,
  priced_total_low = excluded.priced_total_low,
  unpriced_calls = excluded.unpriced_calls,
  cost_usd = excluded.cost_usd
WHERE excluded.calls > calls;
