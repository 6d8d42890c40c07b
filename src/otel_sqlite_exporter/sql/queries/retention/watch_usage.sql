-- Notes what the calls of this connection's transactions add to the sums before they change, once each.
CREATE TEMP TABLE IF NOT EXISTS _changed_usage (
  id INTEGER PRIMARY KEY,
  counted, provider, operation, request_model, response_model, agent_name, user_id, has_failed, has_usage, input_tokens,
  output_tokens, total_tokens, cached_input_tokens, cache_creation_input_tokens, reasoning_tokens, is_unpriced, cost_usd
);
CREATE TEMP TRIGGER IF NOT EXISTS _usage_changed
AFTER UPDATE OF is_hidden, is_repeat, twin, status_code, error_type, is_interrupted, input_tokens, output_tokens, total_tokens,
  cached_input_tokens, cache_creation_input_tokens, reasoning_tokens, cost_usd, cost_status, provider, operation,
  request_model, response_model, agent_name, user_id
ON main._llm_interactions
BEGIN
  INSERT OR IGNORE INTO _changed_usage
  VALUES (
    old.id, old.counted, old.provider, old.operation, old.request_model, old.response_model, old.agent_name, old.user_id,
    old.has_failed, old.has_usage, old.input_tokens, old.output_tokens, old.total_tokens, old.cached_input_tokens,
    old.cache_creation_input_tokens, old.reasoning_tokens, old.is_unpriced, old.cost_usd
  );
END;
