CREATE VIEW agent_tree AS
-- One row a span of an agent or workflow, with the agent that called it (parent_agent_span_id; NULL: none above it in
-- the trace) and how deep it is. Calls, tools, tokens, cost and errors are those of everything below it, agents
-- included; where its calls have no rows, the usage is what the agent reports. A session or agent inside another shows
-- as a row whose session_id is not its parent's.
SELECT
  t.trace_id,
  s.span_id,
  (
    WITH RECURSIVE up (trace, span_id, depth) AS (
      SELECT s.trace, s.parent_span_id, 1
      UNION ALL
      SELECT up.trace, q.parent_span_id, up.depth + 1
      FROM up JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.span_id
      WHERE up.depth < 1000
    )
    SELECT up.span_id
    FROM up
    JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.span_id
    JOIN _llm_interactions AS a ON a.span = q.id AND a.event IS NULL AND a.operation IN ('invoke_agent', 'invoke_workflow')
    ORDER BY up.depth LIMIT 1
  ) AS parent_agent_span_id,
  (
    WITH RECURSIVE up (trace, span_id, depth) AS (
      SELECT s.trace, s.parent_span_id, 1
      UNION ALL
      SELECT up.trace, q.parent_span_id, up.depth + 1
      FROM up JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.span_id
      WHERE up.depth < 1000
    )
    SELECT count(DISTINCT a.id)
    FROM up
    JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.span_id
    JOIN _llm_interactions AS a ON a.span = q.id AND a.event IS NULL AND a.operation IN ('invoke_agent', 'invoke_workflow') AND a.id <> i.id
  ) AS depth,
  x.session_id,
  coalesce(i.user_id, t.user_id) AS user_id,
  i.agent_name,
  r.service_name,
  s.name,
  i.operation,
  i.start_time_unix_nano,
  max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', i.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', i.start_time_unix_nano / 1000 % 1000000) AS start_time,
  (max(i.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) - i.start_time_unix_nano) / 1e6 AS duration_ms,
  CASE WHEN o.span IS NOT NULL THEN 'running' WHEN i.is_interrupted THEN 'interrupted' ELSE iif(i.status_code = 2 OR i.error_type IS NOT NULL, 'error', 'ok') END AS status,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT count(*)
    FROM down JOIN _llm_interactions AS c ON c.span = down.id
    WHERE c.is_aggregate = 0 AND c.counted = 1
  ) AS llm_calls,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT count(*) FROM down JOIN _tool_interactions AS c ON c.span = down.id WHERE c.is_hidden = 0
  ) AS tool_calls,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT sum(c.input_tokens) FROM down JOIN _llm_interactions AS c ON c.span = down.id WHERE c.counted = 1
  ) AS input_tokens,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT sum(c.output_tokens) FROM down JOIN _llm_interactions AS c ON c.span = down.id WHERE c.counted = 1
  ) AS output_tokens,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT sum(c.total_tokens) FROM down JOIN _llm_interactions AS c ON c.span = down.id WHERE c.counted = 1
  ) AS total_tokens,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT sum(c.cost_usd) FROM down JOIN _llm_interactions AS c ON c.span = down.id WHERE c.counted = 1
  ) AS cost_usd,
  (
    WITH RECURSIVE down (trace, id, span_id) AS (
      SELECT s.trace, s.id, s.span_id
      UNION
      SELECT down.trace, q.id, q.span_id FROM down JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    )
    SELECT count(*) FROM down JOIN _spans AS q ON q.id = down.id WHERE q.status_code = 2
  ) AS errors
FROM _llm_interactions AS i
JOIN _trace_sessions AS p ON p.id = i.trace_session
JOIN _spans AS s ON s.id = i.span
LEFT JOIN _traces AS t ON t.id = p.trace
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = i.resource
LEFT JOIN _open_spans AS o ON o.span = i.span
LEFT JOIN _exporter_runs AS h ON h.id = o.run
WHERE i.operation IN ('invoke_agent', 'invoke_workflow') AND i.event IS NULL;
