-- quick
-- A trace with a span that runs is as long as that span is; chains and other steps that report usage are no agents. Each
-- view as views/NAME.sql holds it.

DROP VIEW agent_tree;
DROP VIEW sessions;
DROP VIEW traces;

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

CREATE VIEW sessions AS
-- One row a session: everything that shows it, whether a span (or log record) named it itself or took it from its trace.
-- source is the attribute that named it, user_id the user of its first trace that names one, service_name and
-- attributes those of the root span of its first trace. Times span all its records, of a span that runs its start.
-- Calls, tokens and cost are those of counted calls.
SELECT
  x.session_id,
  coalesce(
    (SELECT p.source FROM _trace_sessions AS p WHERE p.session = x.id AND p.source IS NOT NULL
     ORDER BY p.source_rank, p.source LIMIT 1),
    (SELECT t.session_source FROM _traces AS t WHERE t.session = x.id ORDER BY t.session_rank, t.session_source LIMIT 1)
  ) AS source,
  (SELECT t.user_id FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   WHERE p.session = x.id AND p.spans + p.logs > 0 AND t.user_id IS NOT NULL
   ORDER BY t.start_time_unix_nano, t.trace_id LIMIT 1) AS user_id,
  (SELECT r.service_name FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   JOIN _spans AS s ON s.trace = t.id AND s.span_id = t.root_span_id JOIN _resources AS r ON r.id = s.resource
   WHERE p.session = x.id AND p.spans + p.logs > 0 ORDER BY t.start_time_unix_nano, t.trace_id LIMIT 1) AS service_name,
  x.start_time_unix_nano,
  x.end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', x.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', x.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', x.end_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', x.end_time_unix_nano / 1000 % 1000000) AS end_time,
  (x.end_time_unix_nano - x.start_time_unix_nano) / 1e6 AS duration_ms,
  (SELECT count(DISTINCT p.trace) FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   WHERE p.session = x.id AND p.spans + p.logs > 0 AND t.trace_id <> '') AS traces,
  (SELECT sum(p.spans) FROM _trace_sessions AS p WHERE p.session = x.id) AS spans,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.is_aggregate = 0 AND i.counted = 1) AS llm_calls,
  (SELECT sum(p.errors) FROM _trace_sessions AS p WHERE p.session = x.id) AS errors,
  (SELECT sum(i.input_tokens) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1) AS input_tokens,
  (SELECT sum(i.output_tokens) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1) AS output_tokens,
  (SELECT sum(i.total_tokens) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1) AS total_tokens,
  (SELECT s.attribute_types FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   JOIN _spans AS s ON s.trace = t.id AND s.span_id = t.root_span_id
   WHERE p.session = x.id AND p.spans + p.logs > 0 ORDER BY t.start_time_unix_nano, t.trace_id LIMIT 1) AS attribute_types,
  (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   JOIN _spans AS s ON s.trace = t.id AND s.span_id = t.root_span_id
   WHERE p.session = x.id AND p.spans + p.logs > 0 ORDER BY t.start_time_unix_nano, t.trace_id LIMIT 1) AS attributes,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id WHERE p.session = x.id) AS running,
  (SELECT sum(p.interrupted) FROM _trace_sessions AS p WHERE p.session = x.id) AS interrupted,
  (SELECT sum(p.logs) FROM _trace_sessions AS p WHERE p.session = x.id) AS logs,
  (SELECT sum(i.cost_usd) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1) AS cost_usd,
  x.id
FROM _sessions AS x
WHERE x.end_time_unix_nano IS NOT NULL;

CREATE VIEW traces AS
-- One row a trace. name, service_name and attributes are those of its root span: the one without a parent, else the
-- one with a remote parent, else the earliest seen. Times span all its records; while a span of it runs, up to when the
-- process of that last wrote. status is running if any span runs, else interrupted if any was, else error if any failed,
-- else ok. Calls, tokens and cost are those of counted calls.
SELECT
  t.trace_id,
  x.session_id,
  t.session_source,
  t.user_id,
  r.service_name,
  s.name,
  t.root_span_id,
  CASE
    WHEN EXISTS (SELECT 1 FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id WHERE p.trace = t.id) THEN 'running'
    WHEN (SELECT sum(p.interrupted) FROM _trace_sessions AS p WHERE p.trace = t.id) > 0 THEN 'interrupted'
    WHEN (SELECT sum(p.errors) FROM _trace_sessions AS p WHERE p.trace = t.id) > 0 THEN 'error'
    ELSE 'ok'
  END AS status,
  t.start_time_unix_nano,
  max(t.end_time_unix_nano, ifnull((SELECT max(h.last_write_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _exporter_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', t.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', t.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', max(t.end_time_unix_nano, ifnull((SELECT max(h.last_write_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _exporter_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(t.end_time_unix_nano, ifnull((SELECT max(h.last_write_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _exporter_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) / 1000 % 1000000) AS end_time,
  (max(t.end_time_unix_nano, ifnull((SELECT max(h.last_write_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _exporter_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) - t.start_time_unix_nano) / 1e6 AS duration_ms,
  (SELECT sum(p.spans) FROM _trace_sessions AS p WHERE p.trace = t.id) AS spans,
  (SELECT sum(p.errors) FROM _trace_sessions AS p WHERE p.trace = t.id) AS errors,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.is_aggregate = 0 AND i.counted = 1) AS llm_calls,
  s.attribute_types,
  iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id WHERE p.trace = t.id) AS running,
  (SELECT sum(p.interrupted) FROM _trace_sessions AS p WHERE p.trace = t.id) AS interrupted,
  (SELECT sum(p.logs) FROM _trace_sessions AS p WHERE p.trace = t.id) AS logs,
  (SELECT sum(i.input_tokens) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS input_tokens,
  (SELECT sum(i.output_tokens) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS output_tokens,
  (SELECT sum(i.total_tokens) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS total_tokens,
  (SELECT sum(i.cost_usd) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS cost_usd,
  t.id
FROM _traces AS t
LEFT JOIN _sessions AS x ON x.id = t.session
LEFT JOIN _spans AS s ON s.trace = t.id AND s.span_id = t.root_span_id
LEFT JOIN _resources AS r ON r.id = s.resource
WHERE t.trace_id <> '';
