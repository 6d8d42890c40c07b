CREATE VIEW _derived_calls AS
-- One row a call, with what was derived from its record: a JSON array of the event, the columns that have values of other
-- records, as they were (JSON or NULL), and the columns of LLMInteractionRow. Private. Numbers are written with 17 digits,
-- which is all of them: json_array() writes 15 before SQLite 3.43.
SELECT
  i.span,
  i.event,
  json_array(
    i.event, i.own_facts, i.is_aggregate, i.event IS NULL AND i.is_aggregate = 1 AND i.has_usage = 0, i.operation,
    i.provider, i.request_model, i.response_model, i.response_id, i.user_id, i.agent_name, i.finish_reasons, i.error_type,
    iif(i.time_to_first_token_ms IS NULL, NULL, json(printf('%!.17g', i.time_to_first_token_ms))), i.input_tokens,
    i.output_tokens, i.total_tokens, i.cached_input_tokens, i.cache_creation_input_tokens, i.reasoning_tokens,
    iif(i.cost_status = 'reported', json(printf('%!.17g', i.cost_usd)), NULL),
    iif(i.cost_status = 'reported', i.cost_status, NULL), i.dialect, i.request_parameters, i.system_instructions,
    i.prompt, i.completion, iif(i.duration_ms IS NULL, NULL, json(printf('%!.17g', i.duration_ms)))
  ) AS columns
FROM _llm_interactions AS i;
