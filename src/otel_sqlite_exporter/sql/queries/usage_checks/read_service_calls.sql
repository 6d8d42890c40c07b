-- The counted calls of a service that report tokens and began between two times.
SELECT
  i.start_time_unix_nano,
  i.end_time_unix_nano,
  i.request_model,
  i.response_model,
  i.input_tokens,
  i.cached_input_tokens,
  i.cache_creation_input_tokens,
  i.output_tokens,
  i.reasoning_tokens,
  i.cost_usd
FROM complete_llm_interactions AS i
WHERE i.service_name = :service_name AND i.start_time_unix_nano BETWEEN :since AND :until AND i.counted = 1
  AND coalesce(i.input_tokens, i.output_tokens) IS NOT NULL
