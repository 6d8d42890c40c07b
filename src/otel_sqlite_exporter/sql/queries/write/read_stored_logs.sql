-- Log records as they are stored, with what was derived from each, to derive it again. :ids is an array of ids of
-- _logs.
SELECT
  l.id,
  t.trace_id,
  l.span_id,
  l.event_name,
  l.recorded_name,
  l.time_unix_nano,
  l.observed_time_unix_nano,
  l.time_source,
  l.severity_number,
  l.severity_text,
  l.trace_flags,
  l.dropped_attributes,
  l.names_session,
  l.body_type,
  l.body,
  l.attribute_types,
  l.attributes,
  l.resource,
  l.scope,
  l.trace,
  l.trace_session,
  t.session_rank,
  t.session_source,
  t.user_rank,
  t.user_source,
  iif(l.names_session, own.session_id, NULL) AS own_session,
  iif(l.names_session, p.source, NULL) AS own_source,
  iif(l.names_session, p.source_rank, NULL) AS own_rank,
  e.phase,
  (SELECT json_group_array(json(i.columns)) FROM _derived_calls AS i WHERE i.event = e.id) AS llm_interactions,
  (
    -- User, agent and dialect of a call that the record asks for are those of its span.
    SELECT json_group_array(json(iif(i.is_request, json_set(i.columns, '$[5]', NULL, '$[6]', NULL, '$[8]', NULL), i.columns)))
    FROM (
      SELECT q.is_request, q.columns FROM _derived_tools AS q WHERE q.event = e.id
      UNION ALL
      SELECT q.is_request, q.columns FROM _derived_tools AS q WHERE q.start_event = e.id AND q.is_request = 1
    ) AS i
  ) AS tool_interactions,
  (
    SELECT (
      SELECT json_group_array(json_array(r.tool_call_id, r.result, NULL, r.is_error))
      FROM _tool_results AS r
      WHERE r.span = s.id AND r.time_unix_nano = l.time_unix_nano + (l.time_unix_nano = s.start_time_unix_nano)
    )
    FROM _spans AS s
    WHERE s.id = (
      SELECT iif(max(2 * (z.resource = l.resource) + (z.kind IN (1, 4))) >= 0, z.id, NULL)
      FROM _spans AS z WHERE z.trace = l.trace AND z.span_id = l.span_id
    )
  ) AS tool_results,
  (SELECT m.texts FROM _message_texts AS m WHERE m.event = e.id) AS messages
FROM _logs AS l
JOIN _traces AS t ON t.id = l.trace
JOIN _trace_sessions AS p ON p.id = l.trace_session
LEFT JOIN _sessions AS own ON own.id = p.own_session
LEFT JOIN _events AS e ON e.log = l.id
WHERE l.id IN (SELECT value FROM json_each(:ids))
ORDER BY l.id;
