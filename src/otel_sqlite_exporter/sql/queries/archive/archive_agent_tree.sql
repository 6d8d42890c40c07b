-- The rows of the table agent_tree of a dataset: those of the view agent_tree. The parameters are those of archive_spans.
-- What is below an agent is found from what counts there upwards, and summed once for all agents: the view, which finds
-- few, looks for it once a column.
WITH RECURSIVE
  agents AS MATERIALIZED (
    SELECT i.id, i.span, i.trace, t.trace_id
    FROM _traces AS t
    CROSS JOIN _trace_sessions AS p ON p.trace = t.id
    CROSS JOIN _llm_interactions AS i ON i.trace_session = p.id
    CROSS JOIN _spans AS s ON s.id = iif(i.event IS NULL AND i.operation IN ('invoke_agent', 'invoke_workflow'), i.span, NULL)
    WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
      AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
  ),
  places AS MATERIALIZED (
    SELECT p.id, p.errors FROM (SELECT DISTINCT a.trace FROM agents AS a) AS d CROSS JOIN _trace_sessions AS p ON p.trace = d.trace
  ),
  counting AS MATERIALIZED (
    SELECT c.span FROM places AS p CROSS JOIN _llm_interactions AS c ON c.trace_session = p.id
    UNION
    SELECT c.span FROM places AS p CROSS JOIN _tool_interactions AS c ON c.trace_session = p.id
    UNION
    SELECT s.id FROM places AS p CROSS JOIN _spans AS s ON s.trace_session = iif(p.errors > 0, p.id, NULL) WHERE iif(s.status_code = 2, p.id, 0) > 0
  ),
  up (span, trace, id, parent_span_id) AS (
    SELECT s.id, s.trace, s.id, s.parent_span_id FROM counting AS k CROSS JOIN _spans AS s ON s.id = k.span
    UNION
    SELECT up.span, up.trace, q.id, q.parent_span_id
    FROM up CROSS JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.parent_span_id
  ),
  below AS MATERIALIZED (
    SELECT a.id, up.span FROM up CROSS JOIN agents AS a ON a.span = up.id
  ),
  used AS MATERIALIZED (
    SELECT
      b.id,
      count(*) FILTER (WHERE c.is_aggregate = 0 AND c.counted = 1) AS llm_calls,
      iif(sum(c.input_tokens >> 32) FILTER (WHERE c.counted = 1) + (sum(c.input_tokens & 4294967295) FILTER (WHERE c.counted = 1) >> 32) > 2147483647, 9223372036854775807, (sum(c.input_tokens >> 32) FILTER (WHERE c.counted = 1) << 32) + sum(c.input_tokens & 4294967295) FILTER (WHERE c.counted = 1)) AS input_tokens,
      iif(sum(c.output_tokens >> 32) FILTER (WHERE c.counted = 1) + (sum(c.output_tokens & 4294967295) FILTER (WHERE c.counted = 1) >> 32) > 2147483647, 9223372036854775807, (sum(c.output_tokens >> 32) FILTER (WHERE c.counted = 1) << 32) + sum(c.output_tokens & 4294967295) FILTER (WHERE c.counted = 1)) AS output_tokens,
      iif(sum(c.total_tokens >> 32) FILTER (WHERE c.counted = 1) + (sum(c.total_tokens & 4294967295) FILTER (WHERE c.counted = 1) >> 32) > 2147483647, 9223372036854775807, (sum(c.total_tokens >> 32) FILTER (WHERE c.counted = 1) << 32) + sum(c.total_tokens & 4294967295) FILTER (WHERE c.counted = 1)) AS total_tokens,
      round(sum(c.cost_usd) FILTER (WHERE c.counted = 1), 12) AS cost_usd,
      count(*) FILTER (WHERE c.counted = 1 AND c.is_unpriced = 1) AS unpriced_calls,
      count(*) FILTER (WHERE c.is_aggregate = 0 AND c.counted = 1 AND c.has_failed = 1 AND (c.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = c.span))) AS failed_calls
    FROM below AS b CROSS JOIN _llm_interactions AS c ON c.span = b.span
    GROUP BY b.id
  ),
  ran AS MATERIALIZED (
    SELECT
      b.id,
      count(*) FILTER (WHERE c.counted = 1) AS tool_calls,
      count(*) FILTER (WHERE c.counted = 1 AND c.has_failed = 1 AND (c.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = c.span))) AS failed_tools
    FROM below AS b CROSS JOIN _tool_interactions AS c ON c.span = b.span
    GROUP BY b.id
  ),
  failed AS MATERIALIZED (
    SELECT b.id, count(*) FILTER (WHERE s.status_code = 2) AS errors
    FROM below AS b CROSS JOIN _spans AS s ON s.id = b.span
    GROUP BY b.id
  )
SELECT
  a.trace_id,
  s.span_id,
  a.agents_above ->> '$[0]' AS parent_agent_span_id,
  json_array_length(a.agents_above) AS depth,
  x.session_id,
  coalesce(i.user_id, t.user_id) AS user_id,
  i.agent_name,
  r.service_name,
  s.name,
  i.operation,
  i.start_time_unix_nano,
  max(i.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) AS end_time_unix_nano,
  (max(i.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) - i.start_time_unix_nano) / 1e6 AS duration_ms,
  CASE WHEN o.span IS NOT NULL THEN iif(h.is_gone, 'interrupted', 'running') WHEN i.is_interrupted THEN 'interrupted' ELSE iif(i.has_failed, 'error', 'ok') END AS status,
  ifnull(u.llm_calls, 0) AS llm_calls,
  ifnull(g.tool_calls, 0) AS tool_calls,
  u.input_tokens,
  u.output_tokens,
  u.total_tokens,
  u.cost_usd,
  ifnull(u.unpriced_calls, 0) AS unpriced_calls,
  ifnull(f.errors, 0) AS errors,
  ifnull(u.failed_calls, 0) AS failed_calls,
  ifnull(g.failed_tools, 0) AS failed_tools
FROM (
  SELECT
    a.*,
    (
      WITH RECURSIVE up (trace, span, span_id, parent_span_id, depth) AS (
        SELECT s.trace, s.id, s.span_id, s.parent_span_id, 0 FROM _spans AS s WHERE s.id = a.span
        UNION
        SELECT up.trace, q.id, q.span_id, q.parent_span_id, up.depth + 1
        FROM up CROSS JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.parent_span_id
        WHERE up.depth < 1000
      )
      SELECT json_group_array(above.span_id)
      FROM (
        SELECT up.span_id, min(up.depth) AS depth
        FROM up
        WHERE up.span <> a.span AND (SELECT c.operation FROM _llm_interactions AS c WHERE c.span = up.span AND ifnull(c.event, 0) = 0) IN ('invoke_agent', 'invoke_workflow')
        GROUP BY up.span
        ORDER BY 2
      ) AS above
    ) AS agents_above
  FROM agents AS a
  LIMIT -1
) AS a
CROSS JOIN _llm_interactions AS i ON i.id = a.id
CROSS JOIN _spans AS s ON s.id = a.span
CROSS JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = i.resource
LEFT JOIN _open_spans AS o ON o.span = i.span
LEFT JOIN _open_runs AS h ON h.id = o.run
LEFT JOIN used AS u ON u.id = a.id
LEFT JOIN ran AS g ON g.id = a.id
LEFT JOIN failed AS f ON f.id = a.id
ORDER BY i.start_time_unix_nano, a.trace_id, s.span_id, i.id;
