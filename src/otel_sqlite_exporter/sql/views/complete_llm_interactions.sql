CREATE VIEW complete_llm_interactions AS
-- One row a call of a model (and of an agent or workflow that reports usage), with its request and its response.
-- counted is 1 where the usage is the call's own and 0 where it repeats what other calls of the trace report: sum
-- tokens WHERE counted. A missing number is NULL, never 0. request_ and response_timestamp are the span's times.
-- Calls that run (finish_id is NULL) and interrupted ones are here too, with status and end as in the view spans.
SELECT
  t.trace_id,
  s.span_id,
  s.parent_span_id,
  x.session_id,
  coalesce(i.user_id, t.user_id) AS user_id,
  i.agent_name,
  r.service_name,
  s.name,
  i.operation,
  i.provider,
  i.request_model,
  i.response_model,
  coalesce(i.response_model, i.request_model) AS model,
  (SELECT e.id FROM _events AS e WHERE e.span = s.id AND e.source = 0 AND e.phase = 'start') AS start_id,
  (SELECT e.id FROM _events AS e WHERE e.span = s.id AND e.source = 0 AND e.phase = 'finish') AS finish_id,
  strftime('%Y-%m-%dT%H:%M:%S', s.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', s.start_time_unix_nano / 1000 % 1000000) AS request_timestamp,
  strftime('%Y-%m-%dT%H:%M:%S', max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000 % 1000000) AS response_timestamp,
  s.start_time_unix_nano,
  max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) AS end_time_unix_nano,
  (max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) - s.start_time_unix_nano) / 1e6 AS duration_ms,
  i.time_to_first_token_ms,
  i.input_tokens,
  i.output_tokens,
  i.total_tokens,
  i.cached_input_tokens,
  i.cache_creation_input_tokens,
  i.reasoning_tokens,
  i.counted,
  i.finish_reasons,
  i.response_id,
  CASE s.end_time_source WHEN 'open' THEN 'running' WHEN 'estimated' THEN 'interrupted' ELSE iif(s.status_code = 2 OR i.error_type IS NOT NULL, 'error', 'ok') END AS status,
  i.error_type,
  i.cost_usd,
  i.cost_status,
  coalesce(s.attributes ->> '$."gen_ai.input.messages"', s.attributes ->> '$."gen_ai.prompt"') AS prompt,
  coalesce(s.attributes ->> '$."gen_ai.output.messages"', s.attributes ->> '$."gen_ai.completion"') AS completion,
  s.attributes AS combined_attributes
FROM _llm_interactions AS i
JOIN _spans AS s ON s.id = i.span
JOIN _traces AS t ON t.id = s.trace
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = s.resource
LEFT JOIN _open_spans AS o ON o.span = s.id
LEFT JOIN _exporter_runs AS h ON h.id = o.run;
