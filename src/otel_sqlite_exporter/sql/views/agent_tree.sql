CREATE VIEW agent_tree AS
-- One row for each span of an agent or workflow, with the agent that called it (parent_agent_span_id; NULL: no agent
-- is above it in the trace) and the number of agents above it (depth). Calls, tools, tokens, cost and errors cover
-- everything below it, including other agents. If its calls have no rows, the usage is the one that the agent reports.
-- A session inside another session shows as a row whose session_id differs from that of its parent.
-- Rounded, the cost does not depend on the order in which calls arrived.
-- No condition is on a joined table: in a large file, SQLite would read all of that table to make a Bloom filter.
-- A sum of tokens is made of two, of the upper and the lower 32 bits: it stops at 2^63 - 1, where sum() would fail.
SELECT
  t.trace_id,
  i.span_id,
  i.agents_above ->> '$[0]' AS parent_agent_span_id,
  json_array_length(i.agents_above) AS depth,
  x.session_id,
  coalesce(i.user_id, t.user_id) AS user_id,
  i.agent_name,
  r.service_name,
  i.span_name AS name,
  i.operation,
  i.start_time_unix_nano,
  max(i.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', i.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', i.start_time_unix_nano / 1000 % 1000000) AS start_time,
  (max(i.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) - i.start_time_unix_nano) / 1e6 AS duration_ms,
  CASE WHEN o.span IS NOT NULL THEN iif(h.is_gone, 'interrupted', 'running') WHEN i.is_interrupted THEN 'interrupted' ELSE iif(i.has_failed, 'error', 'ok') END AS status,
  (SELECT count(*) FILTER (WHERE c.is_aggregate = 0 AND c.counted = 1)
   FROM json_each(i.spans_below) AS w CROSS JOIN _llm_interactions AS c ON c.span = w.value) AS llm_calls,
  (SELECT count(*) FILTER (WHERE c.counted = 1)
   FROM json_each(i.spans_below) AS w CROSS JOIN _tool_interactions AS c ON c.span = w.value) AS tool_calls,
  (SELECT iif(sum(c.input_tokens >> 32) FILTER (WHERE c.counted = 1) + (sum(c.input_tokens & 4294967295) FILTER (WHERE c.counted = 1) >> 32) > 2147483647, 9223372036854775807, (sum(c.input_tokens >> 32) FILTER (WHERE c.counted = 1) << 32) + sum(c.input_tokens & 4294967295) FILTER (WHERE c.counted = 1))
   FROM json_each(i.spans_below) AS w CROSS JOIN _llm_interactions AS c ON c.span = w.value) AS input_tokens,
  (SELECT iif(sum(c.output_tokens >> 32) FILTER (WHERE c.counted = 1) + (sum(c.output_tokens & 4294967295) FILTER (WHERE c.counted = 1) >> 32) > 2147483647, 9223372036854775807, (sum(c.output_tokens >> 32) FILTER (WHERE c.counted = 1) << 32) + sum(c.output_tokens & 4294967295) FILTER (WHERE c.counted = 1))
   FROM json_each(i.spans_below) AS w CROSS JOIN _llm_interactions AS c ON c.span = w.value) AS output_tokens,
  (SELECT iif(sum(c.total_tokens >> 32) FILTER (WHERE c.counted = 1) + (sum(c.total_tokens & 4294967295) FILTER (WHERE c.counted = 1) >> 32) > 2147483647, 9223372036854775807, (sum(c.total_tokens >> 32) FILTER (WHERE c.counted = 1) << 32) + sum(c.total_tokens & 4294967295) FILTER (WHERE c.counted = 1))
   FROM json_each(i.spans_below) AS w CROSS JOIN _llm_interactions AS c ON c.span = w.value) AS total_tokens,
  (SELECT round(sum(c.cost_usd) FILTER (WHERE c.counted = 1), 12)
   FROM json_each(i.spans_below) AS w CROSS JOIN _llm_interactions AS c ON c.span = w.value) AS cost_usd,
  (SELECT count(*) FILTER (WHERE c.counted = 1 AND c.is_unpriced = 1)
   FROM json_each(i.spans_below) AS w CROSS JOIN _llm_interactions AS c ON c.span = w.value) AS unpriced_calls,
  (SELECT count(*) FILTER (WHERE q.status_code = 2)
   FROM json_each(i.spans_below) AS w CROSS JOIN _spans AS q ON q.id = w.value) AS errors,
  (SELECT count(*) FILTER (WHERE c.is_aggregate = 0 AND c.counted = 1 AND c.has_failed = 1 AND (c.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = c.span)))
   FROM json_each(i.spans_below) AS w CROSS JOIN _llm_interactions AS c ON c.span = w.value) AS failed_calls,
  (SELECT count(*) FILTER (WHERE c.counted = 1 AND c.has_failed = 1 AND (c.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = c.span)))
   FROM json_each(i.spans_below) AS w CROSS JOIN _tool_interactions AS c ON c.span = w.value) AS failed_tools
FROM (
  SELECT
    i.*,
    s.span_id,
    s.name AS span_name,
    (
      WITH RECURSIVE up (trace, span, span_id, parent_span_id, depth) AS (
        SELECT s.trace, s.id, s.span_id, s.parent_span_id, 0
        UNION
        SELECT up.trace, q.id, q.span_id, q.parent_span_id, up.depth + 1
        FROM up CROSS JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.parent_span_id
        WHERE up.depth < 1000
      )
      SELECT json_group_array(above.span_id)
      FROM (
        SELECT up.span_id, min(up.depth) AS depth
        FROM up
        WHERE up.span <> s.id AND (SELECT a.operation FROM _llm_interactions AS a WHERE a.span = up.span AND ifnull(a.event, 0) = 0) IN ('invoke_agent', 'invoke_workflow')
        GROUP BY up.span
        ORDER BY 2
      ) AS above
    ) AS agents_above,
    (
      WITH RECURSIVE down (trace, id, span_id) AS (
        SELECT s.trace, s.id, s.span_id
        UNION
        SELECT down.trace, q.id, q.span_id FROM down CROSS JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
      )
      SELECT json_group_array(down.id) FROM down
    ) AS spans_below
  FROM _llm_interactions AS i
  JOIN _spans AS s ON s.id = i.span
  WHERE i.operation IN ('invoke_agent', 'invoke_workflow') AND i.event IS NULL
) AS i
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = i.resource
LEFT JOIN _open_spans AS o ON o.span = i.span
LEFT JOIN _open_runs AS h ON h.id = o.run;
