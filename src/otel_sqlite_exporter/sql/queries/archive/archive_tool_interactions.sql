-- The rows of the table tool_interactions of a dataset: those of the view complete_tool_interactions, and what
-- sums need. The parameters are those of archive_spans. Calls of log records without a trace come by the time of
-- these.
SELECT
  v.trace_id,
  v.span_id,
  v.parent_span_id,
  v.session_id,
  coalesce((SELECT max(u.conversation_id) FROM _event_conversations AS u WHERE u.event IN (i.start_event, i.event)), n.conversation_id) AS conversation_id,
  v.user_id,
  v.agent_name,
  v.service_name,
  v.name,
  v.tool_name,
  v.tool_call_id,
  v.tool_type,
  v.arguments,
  v.result,
  :id_base + v.start_id AS start_id,
  :id_base + v.finish_id AS finish_id,
  v.start_time_unix_nano,
  v.end_time_unix_nano,
  v.duration_ms,
  v.waiting_ms,
  v.status,
  v.error_type,
  iif(i.event IS NULL, NULL, v.combined_attributes) AS _combined_attributes,
  iif(i.event IS NULL, :id_base + i.span, NULL) AS _span,
  v.source,
  v.dialect,
  v.asked_by_span_id,
  v.counted,
  :id_base + v.id AS id,
  v.error_message,
  i.has_failed AND (i.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = i.span)) AS _has_failed
FROM complete_tool_interactions AS v
CROSS JOIN _tool_interactions AS i ON i.id = v.id
LEFT JOIN _events AS e ON e.id = i.event
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN temp._day_conversations AS n ON n.reader = :reader AND n.span = ifnull(i.span, (SELECT z.id FROM _spans AS z WHERE z.trace = l.trace AND z.span_id = l.span_id))
WHERE v.id IN (
  SELECT i.id
  FROM _traces AS t
  CROSS JOIN _trace_sessions AS p ON p.trace = t.id
  CROSS JOIN _tool_interactions AS i ON i.trace_session = p.id
  WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
    AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
  UNION ALL
  SELECT i.id
  FROM _logs AS l
  CROSS JOIN _traces AS t ON t.id = l.trace
  CROSS JOIN _events AS e ON e.log = l.id
  CROSS JOIN _tool_interactions AS i ON i.event = e.id
  WHERE l.time_unix_nano >= :since AND l.time_unix_nano < :until AND iif(t.trace_id = '' AND :traces IS NULL, l.id, 0) > 0
  UNION ALL
  SELECT i.id
  FROM _logs AS l
  CROSS JOIN _traces AS t ON t.id = l.trace
  CROSS JOIN _events AS e ON e.log = l.id
  CROSS JOIN _tool_interactions AS i ON i.start_event = e.id
  WHERE iif(i.is_request = 1 AND i.event IS NULL, e.id, 0) > 0 AND l.time_unix_nano >= :since AND l.time_unix_nano < :until AND iif(t.trace_id = '' AND :traces IS NULL, l.id, 0) > 0
)
ORDER BY v.service_name, v.start_time_unix_nano, v.id;
