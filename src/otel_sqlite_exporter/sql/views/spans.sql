CREATE VIEW spans AS
-- One row for each span, as the application recorded it. Key: (trace_id, span_id), or id: the spans of both sides of a
-- call may share their ids. session_id is the span's own, else that of its trace; user_id is that of its trace.
-- *_time_source is 'record' if the time is the span's own. status is error, ok, running (it has not
-- ended; its end is the last write of its process, end_time_source 'open') or interrupted (its process is gone; its
-- end is the last write of that process, end_time_source 'estimated'). attribute_types has the types that JSON loses
-- (bytes, double, int), by JSON Pointer.
SELECT
  t.trace_id,
  s.span_id,
  s.parent_span_id,
  s.parent_is_remote,
  x.session_id,
  v.conversation_id,
  r.service_name,
  s.name,
  CASE s.kind WHEN 0 THEN 'INTERNAL' WHEN 1 THEN 'SERVER' WHEN 2 THEN 'CLIENT' WHEN 3 THEN 'PRODUCER' ELSE 'CONSUMER' END AS kind,
  CASE s.end_time_source WHEN 'open' THEN iif(h.is_gone, 'interrupted', 'running') WHEN 'estimated' THEN 'interrupted' ELSE iif(s.status_code = 2, 'error', 'ok') END AS status,
  CASE s.status_code WHEN 0 THEN 'UNSET' WHEN 1 THEN 'OK' ELSE 'ERROR' END AS status_code,
  s.status_description,
  s.start_time_unix_nano,
  max(s.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', s.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', s.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', max(s.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(s.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) / 1000 % 1000000) AS end_time,
  (max(s.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) - s.start_time_unix_nano) / 1e6 AS duration_ms,
  coalesce(s.start_time_source, 'record') AS start_time_source,
  iif(h.is_gone, 'estimated', coalesce(s.end_time_source, 'record')) AS end_time_source,
  s.trace_flags,
  s.trace_state,
  s.dropped_attributes,
  s.dropped_events,
  s.dropped_links,
  c.name AS scope_name,
  c.version AS scope_version,
  c.schema_url AS scope_schema_url,
  c.attributes AS scope_attributes,
  c.attribute_types AS scope_attribute_types,
  r.schema_url AS resource_schema_url,
  r.attributes AS resource_attributes,
  r.attribute_types AS resource_attribute_types,
  s.attribute_types,
  iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes,
  s.id,
  t.user_id
FROM _spans AS s
JOIN _traces AS t ON t.id = s.trace
JOIN _trace_sessions AS p ON p.id = s.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _span_conversations AS v ON v.span = s.id
LEFT JOIN _resources AS r ON r.id = s.resource
LEFT JOIN _scopes AS c ON c.id = s.scope
LEFT JOIN _open_spans AS o ON o.span = s.id
LEFT JOIN _open_runs AS h ON h.id = o.run;
