CREATE OR REPLACE VIEW security_alerts AS
-- One row for each alert: a span event or log record whose name begins with security. (such as
-- security.content.suspicious). trace_id and span_id are those of the call that it is about; calls is the number of model
-- calls with this span_id.
SELECT
  e.id AS event_id,
  e.trace_id,
  e.span_id,
  e.session_id,
  e.service_name,
  e.name,
  coalesce(e.attributes ->> '$."security.alert_level"', e.attributes ->> '$."security.severity"') AS alert_level,
  e.attributes ->> '$."security.category"' AS category,
  e.attributes ->> '$."security.description"' AS description,
  e.attributes ->> '$."security.keywords"' AS keywords,
  coalesce(c.calls, CAST(0 AS BIGINT)) AS calls,
  e.start_time_unix_nano,
  strftime(make_timestamp(e.start_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS start_time,
  l.severity_text,
  e.attribute_types,
  e.attributes
FROM _events AS e
LEFT JOIN _logs AS l ON l.id = e._log
LEFT JOIN (
  SELECT coalesce(i.trace_id, '') AS trace_id, i.span_id, count(*) AS calls
  FROM _llm_interactions AS i
  WHERE i.span_id IS NOT NULL
  GROUP BY coalesce(i.trace_id, ''), i.span_id
) AS c ON c.trace_id = coalesce(e.trace_id, '') AND c.span_id = e.span_id
WHERE e.name >= 'security.' AND e.name < 'security/';
