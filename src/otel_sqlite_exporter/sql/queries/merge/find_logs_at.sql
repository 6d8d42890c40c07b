-- The log records of some times, after the ids that are known: :times is [[time, last known id], ...].
SELECT
  t.trace_id,
  l.span_id,
  coalesce(l.recorded_name, l.event_name),
  l.time_unix_nano,
  l.observed_time_unix_nano,
  l.time_source,
  l.severity_number,
  l.severity_text,
  l.trace_flags,
  l.dropped_attributes,
  l.body_type,
  l.body,
  l.attribute_types,
  l.attributes,
  r.digest,
  c.digest
FROM json_each(:times) AS w
CROSS JOIN _logs AS l ON l.time_unix_nano = w.value ->> 0 AND l.id > w.value ->> 1
CROSS JOIN _traces AS t ON t.id = l.trace
CROSS JOIN _resources AS r ON r.id = l.resource
LEFT JOIN _scopes AS c ON c.id = l.scope;
