-- A computed cost goes when a value that it was computed from changes (PricedCall). The writer that changed it computes it
-- again, if it has prices; else `reprice` does.

CREATE TRIGGER _llm_interactions_cost_outdated
AFTER UPDATE OF start_event, start_time_unix_nano, operation, provider, request_model, response_model, input_tokens,
  output_tokens, cached_input_tokens, cache_creation_input_tokens, reasoning_tokens ON _llm_interactions
WHEN new.cost_status <> 'reported'
BEGIN
  UPDATE _llm_interactions
  SET cost_usd = NULL, cost_status = NULL, price_source = NULL, price_date = NULL
  WHERE id = new.id
    AND (
      old.start_event, old.start_time_unix_nano, old.operation, old.provider, old.request_model, old.response_model,
      old.input_tokens, old.output_tokens, old.cached_input_tokens, old.cache_creation_input_tokens, old.reasoning_tokens
    ) IS NOT (
      new.start_event, new.start_time_unix_nano, new.operation, new.provider, new.request_model, new.response_model,
      new.input_tokens, new.output_tokens, new.cached_input_tokens, new.cache_creation_input_tokens, new.reasoning_tokens
    );
END;
