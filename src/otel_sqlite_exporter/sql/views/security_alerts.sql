CREATE VIEW security_alerts AS
-- One row for each alert: a span event or log record whose name begins with security. (such as
-- security.content.suspicious). trace_id and span_id are those of the call that it is about; the call may come later.
-- They match complete_llm_interactions and complete_tool_interactions. calls is the number of model calls with this
-- span_id.
SELECT
  e.id AS event_id,
  t.trace_id,
  coalesce(s.span_id, l.span_id) AS span_id,
  x.session_id,
  r.service_name,
  e.name,
  coalesce(coalesce(e.attributes, l.attributes) ->> '$."security.alert_level"', coalesce(e.attributes, l.attributes) ->> '$."security.severity"') AS alert_level,
  coalesce(e.attributes, l.attributes) ->> '$."security.category"' AS category,
  coalesce(e.attributes, l.attributes) ->> '$."security.description"' AS description,
  coalesce(e.attributes, l.attributes) ->> '$."security.keywords"' AS keywords,
  (
    SELECT count(*) FROM _spans AS q JOIN _llm_interactions AS i ON i.span = q.id
    WHERE q.trace = p.trace AND q.span_id = coalesce(s.span_id, l.span_id) AND i.is_hidden = 0
  ) + (
    SELECT count(*) FROM _logs AS m JOIN _events AS f ON f.log = m.id JOIN _llm_interactions AS i ON i.event = f.id
    WHERE m.trace = p.trace AND m.span_id = coalesce(s.span_id, l.span_id) AND i.span IS NULL AND i.is_hidden = 0
  ) AS calls,
  e.time_unix_nano AS start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', e.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', e.time_unix_nano / 1000 % 1000000) AS start_time,
  l.severity_text,
  coalesce(e.attribute_types, l.attribute_types) AS attribute_types,
  coalesce(e.attributes, l.attributes) AS attributes
FROM _events AS e
JOIN _trace_sessions AS p ON p.id = e.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _spans AS s ON s.id = e.span
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = coalesce(s.resource, l.resource)
WHERE e.name >= 'security.' AND e.name < 'security/';
