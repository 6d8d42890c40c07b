-- Adds a span. A running one has the end of its start; so has one whose finish has no record, until it gets one.
INSERT INTO _spans (
  id, finish_record, trace, trace_session, resource, scope, span_id, parent_span_id, parent_is_remote, trace_flags,
  trace_state, name, kind, start_time_unix_nano, end_time_unix_nano, start_time_source, end_time_source, status_code,
  status_description, dropped_attributes, dropped_events, dropped_links, start_attribute_types, start_attributes,
  attribute_types, attributes
)
SELECT
  :id, :finish_record, t.id, p.id,
  (SELECT r.id FROM _resources AS r WHERE r.digest = :resource),
  (SELECT c.id FROM _scopes AS c WHERE c.digest = :scope),
  :span_id, :parent_span_id, :parent_is_remote, :trace_flags, :trace_state, :name, :kind, :start_time_unix_nano,
  iif(:end_time_source = 'open', :start_time_unix_nano, :end_time_unix_nano), :start_time_source, :end_time_source,
  :status_code, :status_description, :dropped_attributes, :dropped_events, :dropped_links, :start_attribute_types,
  :start_attributes, :attribute_types, :attributes
FROM _traces AS t
CROSS JOIN _trace_sessions AS p ON p.trace = t.id
  AND coalesce(p.own_session, 0) = ifnull((SELECT x.id FROM _sessions AS x WHERE x.session_id = :own_session_id), 0)
WHERE t.trace_id = :trace_id;
