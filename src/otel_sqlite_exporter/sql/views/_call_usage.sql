CREATE VIEW _call_usage AS
-- One row a call, with what it adds to the sums of its day if it is counted, and the names that these are kept under.
-- Private.
SELECT
  i.id,
  i.counted,
  i.start_time_unix_nano / 86400000000000 AS day,
  r.service_name,
  coalesce(i.provider, b.provider) AS provider,
  coalesce(i.operation, b.operation) AS operation,
  coalesce(b.request_model, i.request_model) AS request_model,
  coalesce(i.response_model, b.response_model) AS response_model,
  coalesce(i.agent_name, b.agent_name, n.agent_name) AS agent_name,
  coalesce(i.user_id, b.user_id, t.user_id) AS user_id,
  i.is_aggregate,
  i.has_failed AND (i.event IS NOT NULL OR o.span IS NULL) AS has_failed,
  i.has_usage,
  i.input_tokens,
  i.output_tokens,
  i.total_tokens,
  i.cached_input_tokens,
  i.cache_creation_input_tokens,
  i.reasoning_tokens,
  i.is_unpriced,
  i.cost_usd
FROM _llm_interactions AS i
LEFT JOIN _traces AS t ON t.id = i.trace AND t.trace_id <> ''
LEFT JOIN _llm_interactions AS b ON b.event = i.start_event
LEFT JOIN _agent_names AS n ON n.span = i.span
LEFT JOIN _resources AS r ON r.id = i.resource
LEFT JOIN _open_spans AS o ON o.span = i.span;
