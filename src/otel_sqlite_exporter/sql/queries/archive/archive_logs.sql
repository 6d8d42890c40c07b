-- The rows of the table logs of a dataset: those of the view logs, and what only the writer needs. The parameters are
-- those of archive_spans. Log records without a trace come by their own time.
SELECT
  :id_base + l.id AS id,
  iif(t.trace_id = '', NULL, t.trace_id) AS trace_id,
  l.span_id,
  x.session_id,
  l.event_name,
  l.severity_number,
  l.severity_text,
  l.body,
  l.time_unix_nano AS start_time_unix_nano,
  l.observed_time_unix_nano,
  coalesce(l.time_source, 'record') AS time_source,
  :id_base + (SELECT e.id FROM _events AS e WHERE e.log = l.id) AS event_id,
  l.trace_flags,
  l.dropped_attributes,
  l.resource AS _resource,
  l.scope AS _scope,
  l.body_type,
  l.attribute_types,
  l.attributes,
  l.recorded_name AS recorded_event_name,
  y.session_id AS _own_session_id,
  l.names_session AS _names_session
FROM (
  SELECT l.id, r.service_name, l.time_unix_nano
  FROM _traces AS t
  CROSS JOIN _logs AS l ON l.trace = t.id
  CROSS JOIN _resources AS r ON r.id = l.resource
  WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
    AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
  UNION ALL
  SELECT l.id, r.service_name, l.time_unix_nano
  FROM _logs AS l
  CROSS JOIN _traces AS t ON t.id = l.trace
  CROSS JOIN _resources AS r ON r.id = l.resource
  WHERE l.time_unix_nano >= :since AND l.time_unix_nano < :until AND iif(t.trace_id = '' AND :traces IS NULL, l.id, 0) > 0
  ORDER BY 2, 3, 1
  LIMIT -1
) AS k
CROSS JOIN _logs AS l ON l.id = k.id
CROSS JOIN _traces AS t ON t.id = l.trace
CROSS JOIN _trace_sessions AS p ON p.id = l.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _sessions AS y ON y.id = p.own_session;
