CREATE VIEW scores AS
-- One row for each score: a span event or log record gen_ai.evaluation.result. trace_id and span_id are those of what is
-- judged; it may come later, or never. call_id is the row of complete_llm_interactions that is judged: of the calls of
-- that span the one with response_id, else the earliest; without one, the call with response_id in the trace. value is a
-- finite number, NULL where the record has another or none. service_name is that of what judged. id is that in the view
-- events.
SELECT
  c.event AS id,
  t.trace_id,
  CAST(coalesce(s.span_id, l.span_id) AS TEXT) AS span_id,
  x.session_id,
  coalesce(
    (
      SELECT i.id
      FROM _spans AS z
      CROSS JOIN _llm_interactions AS i ON i.span = z.id
      WHERE z.trace = p.trace AND z.span_id = coalesce(s.span_id, l.span_id) AND i.is_hidden = 0
        AND i.response_id = c.response_id
      ORDER BY i.counted DESC, i.start_time_unix_nano, z.kind IN (1, 4), i.id
      LIMIT 1
    ),
    (
      SELECT i.id
      FROM _spans AS z
      CROSS JOIN _llm_interactions AS i ON i.span = z.id
      WHERE z.trace = p.trace AND z.span_id = coalesce(s.span_id, l.span_id) AND i.is_hidden = 0
      ORDER BY i.counted DESC, i.start_time_unix_nano, z.kind IN (1, 4), i.id
      LIMIT 1
    ),
    (
      SELECT i.id
      FROM _trace_sessions AS q
      CROSS JOIN _llm_interactions AS i ON i.trace_session = q.id
      LEFT JOIN _spans AS z ON z.id = i.span
      WHERE t.id IS NOT NULL AND q.trace = t.id AND c.response_id IS NOT NULL AND i.response_id = c.response_id
        AND i.is_hidden = 0
      ORDER BY i.counted DESC, i.start_time_unix_nano, z.span_id, z.kind IN (1, 4), i.id
      LIMIT 1
    )
  ) AS call_id,
  r.service_name,
  CAST(CASE e.source WHEN 1 THEN 'event' ELSE 'log' END AS TEXT) AS source,
  c.name,
  c.value,
  c.label,
  c.explanation,
  c.response_id,
  c.error_type,
  c.time_unix_nano AS start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', c.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', c.time_unix_nano / 1000 % 1000000) AS start_time,
  coalesce(e.attribute_types, l.attribute_types) AS attribute_types,
  coalesce(e.attributes, l.attributes) AS attributes
FROM _scores AS c
JOIN _events AS e ON e.id = c.event
JOIN _trace_sessions AS p ON p.id = c.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _spans AS s ON s.id = e.span
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = coalesce(s.resource, l.resource);
