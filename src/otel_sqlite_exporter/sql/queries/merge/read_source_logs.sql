-- Log records as another file holds them. :ids is an array of ids of _logs; the rows come in its order, without being
-- sorted.
SELECT
  l.id,
  t.trace_id,
  l.span_id,
  l.resource,
  l.scope,
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
  l.attributes
FROM json_each(:ids) AS w
CROSS JOIN _logs AS l ON l.id = w.value
CROSS JOIN _traces AS t ON t.id = l.trace;
