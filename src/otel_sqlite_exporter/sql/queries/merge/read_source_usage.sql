-- The kept sums of usage of what the file :source removed, of these :days (JSON), after the id :after.
SELECT
  u.id, u.source, u.day, u.service_name, u.provider, u.operation, u.request_model, u.response_model, u.agent_name,
  u.user_id, u.is_aggregate, u.calls, u.failed_calls, u.reported, u.input_high, u.input_low, u.output_high,
  u.output_low, u.total_high, u.total_low, u.cached_input_high, u.cached_input_low, u.cache_creation_input_high,
  u.cache_creation_input_low, u.reasoning_high, u.reasoning_low, u.priced, u.priced_total_high, u.priced_total_low,
  u.unpriced_calls, u.cost_usd
FROM _kept_usage AS u
WHERE u.id > :after AND u.source = :source AND u.day IN (SELECT j.value FROM json_each(:days) AS j)
ORDER BY u.id
LIMIT :limit;
