-- Spans as they are stored, with the data derived from each (but not from its log records). :ids is an array of ids of
-- _spans.
SELECT
  s.id,
  t.trace_id,
  s.span_id,
  s.parent_span_id,
  s.parent_is_remote,
  s.trace_flags,
  s.trace_state,
  s.name,
  s.kind,
  s.start_time_unix_nano,
  s.end_time_unix_nano,
  s.start_time_source,
  s.end_time_source,
  s.status_code,
  s.status_description,
  s.dropped_attributes,
  s.dropped_events,
  s.dropped_links,
  s.attribute_types,
  iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes,
  s.resource,
  s.scope,
  json_array(r.digest, r.service_name, r.schema_url, r.attribute_types, r.attributes) AS resource_row,
  json_array(c.digest, c.name, c.version, c.schema_url, c.attribute_types, c.attributes) AS scope_row,
  s.trace,
  t.session_rank,
  t.session_source,
  t.user_rank,
  t.user_source,
  own.session_id AS own_session,
  p.source AS own_source,
  p.source_rank AS own_rank,
  (
    SELECT json_group_array(json_array(
      e.id, e.phase, e.name, e.time_unix_nano, e.time_source,
      iif(e.link_method = 'span', (SELECT m.ordinal FROM _events AS m WHERE m.id = e.related_event), NULL),
      e.stem, e.recorded_name, e.dropped_attributes, e.attribute_types, e.attributes
    ))
    FROM (SELECT * FROM _events AS q WHERE q.span = s.id AND q.source = 1 ORDER BY q.ordinal) AS e
  ) AS events,
  EXISTS (
    SELECT 1 FROM _logs AS l JOIN _events AS e ON e.log = l.id
    WHERE l.trace = s.trace AND l.span_id = s.span_id AND e.phase IS NOT NULL
  ) AS pairs_with_logs,
  (
    SELECT json_group_array(json_array(
      l.linked_trace_id, l.linked_span_id, l.is_remote, l.trace_flags, l.trace_state, l.dropped_attributes,
      l.attribute_types, l.attributes
    ))
    FROM (SELECT * FROM _links AS q WHERE q.span = s.id ORDER BY q.ordinal) AS l
  ) AS links,
  (SELECT json_group_array(json(i.columns)) FROM _derived_calls AS i WHERE i.span = s.id) AS llm_interactions,
  (
    SELECT json_group_array(json(i.columns))
    FROM (
      SELECT q.columns
      FROM _derived_tools AS q
      WHERE q.span = s.id AND (q.is_request = 0 OR q.start_event IS NULL)
      ORDER BY q.id
    ) AS i
  ) AS tool_interactions,
  (
    SELECT json_group_array(json_array(r.tool_call_id, r.result, r.asked_key & 1099511627775, r.is_error))
    FROM (
      SELECT * FROM _tool_results AS q
      WHERE q.span = s.id AND q.time_unix_nano = s.start_time_unix_nano
      ORDER BY q.id
    ) AS r
  ) AS tool_results,
  (
    SELECT json_group_array(json_array(e.ordinal, json(m.texts)))
    FROM (SELECT * FROM _events AS q WHERE q.span = s.id AND q.source = 1 ORDER BY q.ordinal) AS e
    CROSS JOIN _message_texts AS m ON m.event = e.id
  ) AS messages
FROM _spans AS s
JOIN _traces AS t ON t.id = s.trace
JOIN _trace_sessions AS p ON p.id = s.trace_session
JOIN _resources AS r ON r.id = s.resource
LEFT JOIN _scopes AS c ON c.id = s.scope
LEFT JOIN _sessions AS own ON own.id = p.own_session
WHERE s.id IN (SELECT value FROM json_each(:ids))
ORDER BY s.id;
