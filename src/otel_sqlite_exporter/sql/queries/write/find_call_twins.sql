-- Calls, and the rows that may record the same calls: the columns of CallRecord (write/interactions/call_records.py), one
-- row each; a call that cannot have been recorded twice is left out. :calls is an array of ids of _llm_interactions. Others
-- are of the same response, in any trace; else of another reporter of the same service, and ran at the same time: in the
-- same trace, or where one of both has no trace or is its root span. Calls that are near each other share one look-up, so
-- that each row is read once. A response key that more than 16 rows have is crowded: it is asked for no other rows, so what
-- a row costs does not grow with their number. find_enclosing_calls.sql has the same limit.
WITH
  asked AS MATERIALIZED (
    SELECT
      i.id, i.response_key, r.service_name,
      -- An event or log record may be late; without a duration, its call may have begun long before.
      i.start_time_unix_nano
        - CASE WHEN i.event IS NULL THEN 0 WHEN i.start_time_unix_nano < i.end_time_unix_nano THEN 2000000000 ELSE 600000000000 END
        AS since,
      i.end_time_unix_nano + iif(i.event IS NULL, 5000000, 2000000000) AS until,
      -- Else it is of one call with another only if two packages report calls of its service.
      coalesce(i.response_key, i.twin, i.content_of) IS NOT NULL OR i.own_facts IS NOT NULL AS is_paired
    FROM json_each(:calls) AS w
    CROSS JOIN _llm_interactions AS i ON i.id = w.value
    CROSS JOIN _reporters AS r ON r.id = i.reporter
    WHERE iif(i.is_aggregate OR i.is_hidden, 0, w.value) > 0
  ),
  shared (service_name) AS MATERIALIZED (
    SELECT a.service_name
    FROM (SELECT DISTINCT service_name FROM asked) AS a
    WHERE 1 < (SELECT count(*) FROM _reporters AS r WHERE r.service_name = a.service_name AND r.is_aggregate = 0)
  ),
  -- The times of calls that are near each other, as one.
  marked AS (
    SELECT
      a.since, a.until,
      a.since - 7000000000 > max(a.until) OVER (ORDER BY a.since, a.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_first
    FROM asked AS a
    WHERE a.service_name IN (SELECT service_name FROM shared)
  ),
  numbered AS (SELECT since, until, sum(ifnull(is_first, 1)) OVER (ORDER BY since ROWS UNBOUNDED PRECEDING) AS number FROM marked),
  times (since, until) AS MATERIALIZED (SELECT min(since), max(until) FROM numbered GROUP BY number),
  -- The keys of the same responses, in the time before and after, too.
  own_keys (response_key) AS MATERIALIZED (
    SELECT k.response_key
    FROM (SELECT DISTINCT response_key FROM asked WHERE response_key IS NOT NULL) AS k
    WHERE NOT EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.response_key = k.response_key LIMIT 1 OFFSET 16)
  ),
  keys (response_key) AS MATERIALIZED (
    SELECT k.response_key
    FROM (
      SELECT response_key FROM own_keys
      UNION
      SELECT response_key - 4294967296 FROM own_keys
      UNION
      SELECT response_key + 4294967296 FROM own_keys
    ) AS k
    WHERE NOT EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.response_key = k.response_key LIMIT 1 OFFSET 16)
  ),
  near (id) AS (
    SELECT id FROM asked WHERE is_paired OR service_name IN (SELECT service_name FROM shared)
    UNION
    SELECT i.id FROM keys AS k CROSS JOIN _llm_interactions AS i ON i.response_key = k.response_key
    UNION
    SELECT i.id
    FROM times AS w
    CROSS JOIN _llm_interactions AS i
      ON i.start_time_unix_nano BETWEEN w.since - 5000000000 AND w.until + 2000000000
    CROSS JOIN _reporters AS r ON r.id = i.reporter
    WHERE iif(i.end_time_unix_nano + 2000000000 * (i.event IS NOT NULL) >= w.since, r.is_aggregate, 1) = 0
      AND r.service_name IN (SELECT service_name FROM shared)
  )
SELECT
  i.id,
  r.service_name,
  i.reporter,
  r.source,
  r.scope_name,
  iif(t.trace_id = '', 0, i.trace) AS trace,
  coalesce(s.span_id, l.span_id) AS span_id,
  t.trace_id || coalesce(s.span_id || (s.kind IN (1, 4)), coalesce(l.span_id, '') || ' ' || coalesce(l.body, '') || l.attributes) AS place,
  e.ordinal,
  iif(s.id IS NULL, t.trace_id = '', s.parent_span_id IS NULL) AS is_alone,
  iif(i.event IS NULL, s.parent_span_id, coalesce(s.span_id, l.span_id)) AS around,
  p.session,
  i.agent_name,
  i.start_time_unix_nano,
  i.end_time_unix_nano,
  i.event IS NULL AND i.status_code = 2 OR i.error_type IS NOT NULL AS is_error,
  i.is_repeat,
  EXISTS (SELECT 1 FROM _llm_interactions AS o WHERE o.response_key = i.response_key LIMIT 1 OFFSET 16) AS is_crowded,
  i.twin,
  i.content_of,
  i.own_facts,
  i.prompt IS NOT NULL AS has_prompt,
  i.completion IS NOT NULL AS has_completion,
  iif(r.service_name IN (SELECT service_name FROM shared), (SELECT substr(m.completion, 1, 2000) FROM _call_completions AS m WHERE m.id = i.id), NULL) AS answer,
  json_object(
    'provider', i.provider, 'request_model', i.request_model, 'response_model', i.response_model,
    'response_id', i.response_id, 'user_id', i.user_id, 'finish_reasons', i.finish_reasons,
    'error_type', i.error_type, 'input_tokens', i.input_tokens, 'output_tokens', i.output_tokens,
    'total_tokens', i.total_tokens, 'cached_input_tokens', i.cached_input_tokens,
    'cache_creation_input_tokens', i.cache_creation_input_tokens, 'reasoning_tokens', i.reasoning_tokens,
    'cost_status', iif(i.cost_status = 'reported', i.cost_status, NULL), 'operation', i.operation
  ) AS facts,
  i.time_to_first_token_ms,
  iif(i.cost_status = 'reported', i.cost_usd, NULL) AS cost_usd -- one that was computed is no fact of a record
FROM (SELECT DISTINCT id FROM near) AS n
CROSS JOIN _llm_interactions AS i ON i.id = n.id
CROSS JOIN _reporters AS r ON r.id = i.reporter
CROSS JOIN _trace_sessions AS p ON p.id = i.trace_session
CROSS JOIN _traces AS t ON t.id = i.trace
LEFT JOIN _spans AS s ON s.id = i.span
LEFT JOIN _events AS e ON e.id = i.event
LEFT JOIN _logs AS l ON l.id = e.log
WHERE iif(i.is_aggregate OR i.is_hidden, 0, n.id) > 0;
