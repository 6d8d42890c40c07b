-- Adds a kept sum of usage of another file.
INSERT INTO _kept_usage (
  source, day, service_name, provider, operation, request_model, response_model, agent_name, user_id, is_aggregate,
  calls, failed_calls, reported, input_high, input_low, output_high, output_low, total_high, total_low,
  cached_input_high, cached_input_low, cache_creation_input_high, cache_creation_input_low, reasoning_high,
  reasoning_low, priced, priced_total_high, priced_total_low, unpriced_calls, cost_usd
)
VALUES (
  :source, :day, :service_name, :provider, :operation, :request_model, :response_model, :agent_name, :user_id,
  :is_aggregate, :calls, :failed_calls, :reported, :input_high, :input_low, :output_high, :output_low, :total_high,
  :total_low, :cached_input_high, :cached_input_low, :cache_creation_input_high, :cache_creation_input_low,
  :reasoning_high, :reasoning_low, :priced, :priced_total_high, :priced_total_low, :unpriced_calls, :cost_usd
);
