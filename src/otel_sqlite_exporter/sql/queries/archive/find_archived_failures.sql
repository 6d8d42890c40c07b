-- What failed on a day, as archive_errors needs it: a JSON array of [source, id], and the first and the last start. source
-- says the table: span, call or tool. The parameters are those of archive_spans. Failures of log records without a trace
-- come by the time of these.
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
SELECT json_group_array(json_array(f.source, f.id)) AS failed, min(f.start_time_unix_nano) AS first, max(f.start_time_unix_nano) AS last
FROM failed AS f;
