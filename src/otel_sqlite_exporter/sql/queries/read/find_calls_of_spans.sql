-- The calls of models and executions of tools that these spans record. Parameter: spans, a JSON array of ids of _spans.
-- Plan: by the indexes of spans, and the rows of the views by their ids.
SELECT
  i.span, iif(c.is_aggregate, 'agent', 'call') AS kind, c.operation, c.provider, c.request_model, c.response_model,
  i.agent_name, c.input_tokens, c.output_tokens, c.cached_input_tokens, c.cost_usd, c.error_type, c.counted,
  NULL AS tool_name
FROM json_each(:spans) AS k
CROSS JOIN _llm_interactions AS i ON i.span = k.value
CROSS JOIN complete_llm_interactions AS c ON c.id = i.id
UNION ALL
SELECT
  i.span, 'tool', NULL, NULL, NULL, NULL, i.agent_name, NULL, NULL, NULL, NULL, c.error_type, c.counted, c.tool_name
FROM json_each(:spans) AS k
CROSS JOIN _tool_interactions AS i ON i.span = k.value
CROSS JOIN complete_tool_interactions AS c ON c.id = i.id;
