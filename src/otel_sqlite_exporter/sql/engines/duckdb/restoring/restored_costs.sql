-- The computed costs of calls, and what they were priced by: calls of traces, and those of log records without a trace that
-- show a session. $traces and $sessions are lists; the empty session is that of records that show none.
SELECT
  p.id,
  if(p.source = 'span', p.start_id, NULL) AS span,
  if(p.source = 'span', NULL, coalesce(p.finish_id, p.start_id)) AS event,
  if(p.source = 'span' OR p.finish_id IS NULL, NULL, p.start_id) AS start_event,
  p.start_time_unix_nano,
  p.end_time_unix_nano,
  p.provider,
  -- Of a start and a finish that name different models, the finish tells what the call was priced by.
  if(p.response_model IS NULL, p.model, p.request_model) AS request_model,
  p.response_model,
  p.operation,
  p.input_tokens,
  p.output_tokens,
  p.cached_input_tokens,
  p.cache_creation_input_tokens,
  p.reasoning_tokens,
  p.cost_usd,
  p.cost_status,
  p.price_source,
  p.price_date,
  p.is_aggregate
FROM (
  SELECT i.*
  FROM _llm_interactions AS i
  SEMI JOIN (SELECT unnest($traces::VARCHAR[]) AS trace_id) AS w ON i.trace_id = w.trace_id
  UNION ALL
  SELECT i.*
  FROM _llm_interactions AS i
  SEMI JOIN (SELECT unnest($sessions::VARCHAR[]) AS session_id) AS w ON coalesce(i.session_id, '') = w.session_id
  WHERE i.trace_id IS NULL
) AS p
WHERE p.cost_status <> 'reported';
