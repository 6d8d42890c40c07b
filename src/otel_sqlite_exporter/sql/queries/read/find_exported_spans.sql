-- Some spans with what their records hold, without what is looked for above them. Parameter: spans, a JSON array of ids of
-- _spans. Plan: by the keys.
SELECT
  s.id, s.trace_id, s.span_id, s.parent_span_id, s.parent_is_remote, s.session_id, s.service_name, s.name, s.kind, s.status,
  s.status_code, s.status_description, s.start_time_unix_nano, s.end_time_unix_nano, s.trace_flags, s.trace_state,
  s.dropped_attributes, s.dropped_events, s.dropped_links, s.scope_name, s.scope_version, s.scope_schema_url,
  s.scope_attributes, s.scope_attribute_types, s.resource_schema_url, s.resource_attributes, s.resource_attribute_types,
  s.attribute_types, s.attributes
FROM json_each(:spans) AS k
CROSS JOIN spans AS s ON s.id = k.value
ORDER BY k.key;
