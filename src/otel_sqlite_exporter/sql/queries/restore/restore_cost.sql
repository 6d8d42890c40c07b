-- Adds a call with its computed cost and what it was priced by: what a merge reads of calls. All else is derived again.
INSERT INTO _llm_interactions (
  id, trace_session, trace, span, event, start_event, resource, reporter, start_time_unix_nano, end_time_unix_nano,
  status_code, is_aggregate, is_hidden, operation, provider, request_model, response_model, input_tokens, output_tokens,
  cached_input_tokens, cache_creation_input_tokens, reasoning_tokens, cost_usd, cost_status, price_source, price_date
)
VALUES (
  :id, 0, 0, :span, :event, :start_event, 0, 0, :start_time_unix_nano, :end_time_unix_nano,
  0, :is_aggregate, 0, :operation, :provider, :request_model, :response_model, :input_tokens, :output_tokens,
  :cached_input_tokens, :cache_creation_input_tokens, :reasoning_tokens, :cost_usd, :cost_status, :price_source,
  :price_date
);
