-- Calls to be priced, by id: those without a status, with :everything also those that were priced before. Neither those
-- that report their cost, nor those that run.
SELECT
  i.cost_usd,
  i.cost_status,
  i.id,
  coalesce(i.provider, b.provider),
  coalesce(i.request_model, b.request_model),
  coalesce(i.response_model, b.response_model),
  coalesce(i.operation, b.operation),
  i.start_time_unix_nano,
  i.input_tokens,
  i.output_tokens,
  i.cached_input_tokens,
  i.cache_creation_input_tokens,
  i.reasoning_tokens
FROM _llm_interactions AS i
LEFT JOIN _llm_interactions AS b ON b.event = i.start_event
WHERE i.id > :after
  AND i.is_hidden = 0
  AND i.cost_status IS NOT 'reported'
  AND (:everything OR i.cost_status IS NULL)
  AND NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = i.span)
ORDER BY i.id
LIMIT :limit;
