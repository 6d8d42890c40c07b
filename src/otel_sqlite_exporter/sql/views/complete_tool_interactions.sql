CREATE VIEW complete_tool_interactions AS
-- One row a tool execution that has a span, with its arguments and its result.
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
  i.tool_name,
  i.tool_call_id,
  i.tool_type,
  s.attributes ->> '$."gen_ai.tool.call.arguments"' AS arguments,
  s.attributes ->> '$."gen_ai.tool.call.result"' AS result,
  (SELECT e.id FROM _events AS e WHERE e.span = s.id AND e.source = 0 AND e.phase = 'start') AS start_id,
  (SELECT e.id FROM _events AS e WHERE e.span = s.id AND e.source = 0 AND e.phase = 'finish') AS finish_id,
  s.start_time_unix_nano,
  max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', s.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', s.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) / 1000 % 1000000) AS end_time,
  (max(s.end_time_unix_nano, ifnull(h.last_write_unix_nano, 0)) - s.start_time_unix_nano) / 1e6 AS duration_ms,
  CASE s.end_time_source WHEN 'open' THEN 'running' WHEN 'estimated' THEN 'interrupted' ELSE iif(s.status_code = 2 OR i.error_type IS NOT NULL, 'error', 'ok') END AS status,
  i.error_type,
  s.attributes AS combined_attributes
FROM _tool_interactions AS i
JOIN _spans AS s ON s.id = i.span
JOIN _traces AS t ON t.id = s.trace
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = s.resource
LEFT JOIN _open_spans AS o ON o.span = s.id
LEFT JOIN _exporter_runs AS h ON h.id = o.run;
