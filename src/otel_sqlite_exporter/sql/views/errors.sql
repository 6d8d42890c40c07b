CREATE VIEW errors AS
-- One row for each failure, with its cause. A failure that passes from a span to the spans above it is one: the row is
-- the lowest of these spans (source 'span'), and spans is their number. An attempt that was made again and failed alike
-- is no failure of its own, unless it is a call or a tool execution. Calls and tool executions that failed without a
-- failed span (source 'call' or 'tool'; such as log records, or results in a later prompt) are failures too. id is a
-- key of spans, complete_llm_interactions or complete_tool_interactions. error_type and message are those of the
-- lowest span that says one; error_type is else the status of an HTTP response, as 429. requests is 1 if the failure reached a span without a local parent; calls and tools
-- count the counted calls and tool executions that failed with it. model and request_model are those of its call.
SELECT
  s.id,
  t.trace_id,
  s.span_id,
  s.parent_span_id,
  x.session_id,
  r.service_name,
  s.name,
  s.start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', s.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', s.start_time_unix_nano / 1000 % 1000000) AS start_time,
  coalesce(
    w.value ->> ('$.types[' || (w.value ->> '$.first') || ']'),
    (
      SELECT CAST(coalesce(whole.attributes ->> '$."http.response.status_code"', whole.attributes ->> '$."http.status_code"') AS TEXT)
      FROM (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes LIMIT 1) AS whole
    )
  ) AS error_type,
  s.status_description,
  w.value ->> '$.exception' AS exception_message,
  w.value ->> ('$.messages[' || (w.value ->> '$.told') || ']') AS message,
  'span' AS source,
  json_array_length(w.value, '$.spans') AS spans,
  w.value ->> '$.requests' AS requests,
  (SELECT count(DISTINCT k.id) FROM json_each(w.value, '$.spans') AS j CROSS JOIN _llm_interactions AS i ON i.span = j.value
   CROSS JOIN _llm_interactions AS k ON k.id = coalesce(i.twin, i.id) WHERE k.counted = 1 AND k.is_aggregate = 0 AND k.has_failed = 1) AS calls,
  (SELECT count(DISTINCT k.id) FROM json_each(w.value, '$.spans') AS j CROSS JOIN _tool_interactions AS i ON i.span = j.value
   CROSS JOIN _tool_interactions AS k ON k.id = coalesce(nullif(i.merged_into, 0), i.id) WHERE k.counted = 1 AND k.has_failed = 1 AND i.is_request = 0) AS tools,
  (SELECT coalesce(i.response_model, i.request_model) AS named FROM json_each(w.value, '$.spans') AS j CROSS JOIN _llm_interactions AS i ON i.span = j.value
   WHERE named IS NOT NULL ORDER BY i.is_aggregate, j.key LIMIT 1) AS model,
  (SELECT i.request_model FROM json_each(w.value, '$.spans') AS j CROSS JOIN _llm_interactions AS i ON i.span = j.value
   WHERE i.request_model IS NOT NULL ORDER BY i.is_aggregate, j.key LIMIT 1) AS request_model,
  (SELECT i.tool_name FROM json_each(w.value, '$.spans') AS j CROSS JOIN _tool_interactions AS i ON i.span = j.value
   WHERE i.is_request = 0 AND i.tool_name IS NOT NULL ORDER BY j.key LIMIT 1) AS tool_name
FROM _spans AS s
CROSS JOIN json_each(json_array((
  WITH RECURSIVE up (id, depth, facts, is_counted, is_attempt, is_last) AS (
    SELECT s.id, 0, (SELECT f.facts FROM _span_errors AS f WHERE f.id = s.id), 0, 0, 1
    UNION ALL
    SELECT e.parent, up.depth + 1, e.parent_facts, up.is_counted OR e.is_counted, e.is_tried_again AND NOT (up.is_counted OR e.is_counted),
      up.is_last AND e.is_last
    FROM up CROSS JOIN _passed_errors AS e ON e.id = up.id
    WHERE e.is_passed AND up.depth < 1000
  )
  SELECT json_object(
    'spans', json_group_array(above.id),
    'types', json_group_array(above.facts ->> '$.type'),
    'messages', json_group_array(above.facts ->> '$.message'),
    'exception', max(iif(above.depth = 0, above.facts ->> '$.exception', NULL)),
    'first', coalesce(min(iif(above.facts ->> '$.is_said', above.depth, NULL)), 0),
    'told', coalesce(min(iif(above.facts ->> '$.message' IS NOT NULL, above.depth, NULL)), 0),
    'asked', min(iif(
      EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.span = above.id)
        OR EXISTS (SELECT 1 FROM _tool_interactions AS i WHERE i.span = above.id AND i.is_request = 0),
      above.depth,
      NULL
    )),
    'requests', max(above.is_entry AND above.is_last),
    'attempts', sum(above.is_attempt)
  )
  FROM (
    SELECT up.*, q.parent_span_id IS NULL OR ifnull(q.parent_is_remote, 0) OR EXISTS (SELECT 1 FROM _traces AS t WHERE t.id = q.trace AND t.root_span_id = q.span_id) AS is_entry
    FROM up CROSS JOIN _spans AS q ON q.id = up.id
    ORDER BY up.depth
    LIMIT -1
  ) AS above
))) AS w
JOIN _traces AS t ON t.id = s.trace
JOIN _trace_sessions AS p ON p.id = s.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = s.resource
WHERE s.status_code = 2 AND w.value ->> '$.attempts' = 0
  -- What counts for the same call or execution, the lowest that failed with it, has a row.
  AND NOT EXISTS (
    SELECT 1 FROM _llm_interactions AS i CROSS JOIN _llm_interactions AS k ON k.id = i.twin CROSS JOIN _spans AS f ON f.id = k.span
    WHERE i.span = w.value ->> ('$.spans[' || (w.value ->> '$.asked') || ']') AND f.status_code = 2
      AND f.id NOT IN (SELECT j.value FROM json_each(w.value, '$.spans') AS j)
  )
  AND NOT EXISTS (
    SELECT 1 FROM _tool_interactions AS i CROSS JOIN _tool_interactions AS k ON k.id = i.merged_into CROSS JOIN _spans AS f ON f.id = k.span
    WHERE i.span = w.value ->> ('$.spans[' || (w.value ->> '$.asked') || ']') AND i.is_request = 0 AND k.is_request = 0 AND f.status_code = 2
      AND f.id NOT IN (SELECT j.value FROM json_each(w.value, '$.spans') AS j)
  )
  AND NOT EXISTS (
    WITH RECURSIVE down (trace, span_id, id, status_code, depth) AS (
      SELECT s.trace, s.span_id, NULL, 0, 0
      UNION ALL
      SELECT q.trace, q.span_id, q.id, q.status_code, down.depth + 1
      FROM down CROSS JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
      WHERE down.status_code <> 2 AND down.depth < 4
    )
    SELECT 1 FROM down CROSS JOIN _passed_errors AS e ON e.id = down.id
    WHERE down.status_code = 2 AND e.is_passed AND e.parent = s.id
  )
  AND NOT EXISTS (SELECT 1 FROM _passed_errors AS e WHERE e.id = s.id AND e.is_consequence)
UNION ALL
SELECT
  i.id,
  t.trace_id,
  coalesce(s.span_id, l.span_id),
  s.parent_span_id,
  x.session_id,
  r.service_name,
  iif(i.event IS NULL, s.name, e.name),
  i.start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', i.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', i.start_time_unix_nano / 1000 % 1000000),
  i.error_type,
  NULL,
  NULL,
  (SELECT m.message FROM _call_errors AS m WHERE m.id = i.id),
  'call',
  0,
  0,
  1,
  0,
  coalesce(i.response_model, b.response_model, i.request_model, b.request_model),
  coalesce(b.request_model, i.request_model),
  NULL
FROM _llm_interactions AS i
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _llm_interactions AS b ON b.event = i.start_event
LEFT JOIN _spans AS s ON s.id = i.span
LEFT JOIN _events AS e ON e.id = i.event
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _resources AS r ON r.id = i.resource
WHERE i.has_failed = 1 AND i.counted = 1 AND i.is_aggregate = 0
  AND s.status_code IS NOT 2
  AND NOT EXISTS (SELECT 1 FROM _llm_interactions AS q CROSS JOIN _spans AS f ON f.id = q.span WHERE q.twin = i.id AND f.status_code = 2)
UNION ALL
SELECT
  i.id,
  t.trace_id,
  coalesce(s.span_id, l.span_id),
  s.parent_span_id,
  x.session_id,
  r.service_name,
  iif(i.event IS NULL, s.name, e.name),
  i.start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', i.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', i.start_time_unix_nano / 1000 % 1000000),
  i.error_type,
  NULL,
  NULL,
  (SELECT m.message FROM _tool_errors AS m WHERE m.id = i.id),
  'tool',
  0,
  0,
  0,
  1,
  NULL,
  NULL,
  coalesce(i.tool_name, b.tool_name)
FROM _tool_interactions AS i
JOIN _trace_sessions AS p ON p.id = i.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _tool_interactions AS b ON b.event = i.start_event
LEFT JOIN _spans AS s ON s.id = i.span
LEFT JOIN _events AS e ON e.id = i.event
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _resources AS r ON r.id = i.resource
WHERE i.has_failed = 1 AND i.counted = 1
  AND (i.is_request = 1 OR s.status_code IS NOT 2)
  AND NOT EXISTS (SELECT 1 FROM _tool_interactions AS q CROSS JOIN _spans AS f ON f.id = q.span WHERE q.merged_into = i.id AND q.is_request = 0 AND f.status_code = 2);
