-- Adds a log record.
INSERT INTO _logs (
  id, trace_session, trace, span_id, resource, scope, event_name, recorded_name, time_unix_nano,
  observed_time_unix_nano, time_source, severity_number, severity_text, trace_flags, dropped_attributes, names_session,
  body_type, body, attribute_types, attributes
)
SELECT
  :id, p.id, t.id, :span_id,
  (SELECT r.id FROM _resources AS r WHERE r.digest = :resource),
  (SELECT c.id FROM _scopes AS c WHERE c.digest = :scope),
  :event_name, :recorded_name, :time_unix_nano, :observed_time_unix_nano, :time_source, :severity_number,
  :severity_text, :trace_flags, :dropped_attributes, :names_session, :body_type, :body, :attribute_types, :attributes
FROM _traces AS t
CROSS JOIN _trace_sessions AS p ON p.trace = t.id
  AND coalesce(p.own_session, 0) = ifnull((SELECT x.id FROM _sessions AS x WHERE x.session_id = :own_session_id), 0)
WHERE t.trace_id = :trace_id;
