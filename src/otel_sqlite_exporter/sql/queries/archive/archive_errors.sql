-- The rows of the table errors of a dataset: those of the view errors. The parameters are those of archive_spans. Failures
-- of log records without a trace come by the time of these. The view is of three tables, each with an index of
-- what failed by time, which the times of these failures bound.
WITH failed AS MATERIALIZED (
  SELECT 'span' AS source, s.id, s.start_time_unix_nano
  FROM _traces AS t
  CROSS JOIN _trace_sessions AS p ON p.trace = t.id
  CROSS JOIN _spans AS s ON s.trace_session = iif(p.errors > 0, p.id, NULL)
  WHERE iif(s.status_code = 2, p.id, 0) > 0 AND t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
    AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
  UNION ALL
  SELECT 'call', i.id, i.start_time_unix_nano
  FROM _traces AS t
  CROSS JOIN _trace_sessions AS p ON p.trace = t.id
  CROSS JOIN _llm_interactions AS i ON i.trace_session = p.id
  WHERE iif(i.has_failed = 1, p.id, 0) > 0 AND t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
    AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
  UNION ALL
  SELECT 'tool', i.id, i.start_time_unix_nano
  FROM _traces AS t
  CROSS JOIN _trace_sessions AS p ON p.trace = t.id
  CROSS JOIN _tool_interactions AS i ON i.trace_session = p.id
  WHERE iif(i.has_failed = 1, p.id, 0) > 0 AND t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
    AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
  UNION ALL
  SELECT 'call', i.id, i.start_time_unix_nano
  FROM _logs AS l
  CROSS JOIN _traces AS t ON t.id = l.trace
  CROSS JOIN _events AS e ON e.log = l.id
  CROSS JOIN _llm_interactions AS i ON i.event = e.id
  WHERE l.time_unix_nano >= :since AND l.time_unix_nano < :until AND iif(t.trace_id = '' AND :traces IS NULL, l.id, 0) > 0
  UNION ALL
  SELECT 'tool', i.id, i.start_time_unix_nano
  FROM _logs AS l
  CROSS JOIN _traces AS t ON t.id = l.trace
  CROSS JOIN _events AS e ON e.log = l.id
  CROSS JOIN _tool_interactions AS i ON i.event = e.id
  WHERE l.time_unix_nano >= :since AND l.time_unix_nano < :until AND iif(t.trace_id = '' AND :traces IS NULL, l.id, 0) > 0
  UNION ALL
  SELECT 'tool', i.id, i.start_time_unix_nano
  FROM _logs AS l
  CROSS JOIN _traces AS t ON t.id = l.trace
  CROSS JOIN _events AS e ON e.log = l.id
  CROSS JOIN _tool_interactions AS i ON i.start_event = e.id
  WHERE iif(i.is_request = 1 AND i.event IS NULL, e.id, 0) > 0 AND l.time_unix_nano >= :since AND l.time_unix_nano < :until AND iif(t.trace_id = '' AND :traces IS NULL, l.id, 0) > 0
)
SELECT
  :id_base + v.id AS id,
  v.trace_id,
  v.span_id,
  v.parent_span_id,
  v.session_id,
  v.service_name,
  v.name,
  v.start_time_unix_nano,
  v.error_type,
  v.status_description,
  v.exception_message,
  v.message,
  v.source,
  v.spans,
  v.requests,
  v.calls,
  v.tools,
  v.model,
  v.request_model,
  v.tool_name
FROM errors AS v
WHERE (v.source, v.id) IN (SELECT f.source, f.id FROM failed AS f)
  AND v.start_time_unix_nano BETWEEN (SELECT min(f.start_time_unix_nano) FROM failed AS f) AND (SELECT max(f.start_time_unix_nano) FROM failed AS f)
ORDER BY v.start_time_unix_nano, v.id, v.source;
