-- Log records of traces, and those without a trace that show a session. $traces and $sessions are lists; the empty session
-- is that of records that show none.
SELECT
  p.id,
  coalesce(p.trace_id, '') AS trace_id,
  p.span_id,
  p.session_id,
  p._own_session_id AS own_session_id,
  p.service_name,
  p.resource_schema_url,
  p.resource_attributes,
  p.resource_attribute_types,
  p.scope_name,
  p.scope_version,
  p.scope_schema_url,
  p.scope_attributes,
  p.scope_attribute_types,
  p.event_name,
  p.recorded_event_name AS recorded_name,
  p.start_time_unix_nano AS time_unix_nano,
  p.observed_time_unix_nano,
  nullif(p.time_source, 'record') AS time_source,
  p.severity_number,
  p.severity_text,
  p.trace_flags,
  p.dropped_attributes,
  p._names_session AS names_session,
  p.body_type,
  p.body,
  p.attribute_types,
  p.attributes
FROM (
  SELECT l.*
  FROM _logs AS l
  SEMI JOIN (SELECT unnest($traces::VARCHAR[]) AS trace_id) AS w ON l.trace_id = w.trace_id
  UNION ALL
  SELECT l.*
  FROM _logs AS l
  SEMI JOIN (SELECT unnest($sessions::VARCHAR[]) AS session_id) AS w ON coalesce(l.session_id, '') = w.session_id
  WHERE l.trace_id IS NULL
) AS p;
