-- The rows of the table events of a dataset: those of the view events that are no start or finish of a span, and what
-- only the writer needs. The parameters are those of archive_spans. Log records without a trace come by their own time.
SELECT
  :id_base + e.id AS id,
  iif(t.trace_id = '', NULL, t.trace_id) AS trace_id,
  coalesce(s.span_id, l.span_id) AS span_id,
  x.session_id,
  r.service_name,
  iif(e.source = 1, 'event', 'log') AS source,
  e.ordinal,
  e.phase,
  e.name,
  e.time_unix_nano AS start_time_unix_nano,
  CASE e.phase WHEN 'start' THEN f.time_unix_nano - e.time_unix_nano ELSE e.time_unix_nano - f.time_unix_nano END / 1e6 AS duration_ms,
  coalesce(e.time_source, 'record') AS time_source,
  :id_base + e.related_event AS related_event_id,
  e.link_method,
  coalesce(e.dropped_attributes, l.dropped_attributes) AS dropped_attributes,
  iif(e.attributes IS NULL, l.attribute_types, e.attribute_types) AS attribute_types,
  coalesce(e.attributes, l.attributes) AS attributes,
  :id_base + e.span AS _span,
  :id_base + e.log AS _log,
  e.stem AS _stem,
  e.recorded_name AS _recorded_name
FROM (
  SELECT e.id, e.time_unix_nano
  FROM _traces AS t
  CROSS JOIN _trace_sessions AS p ON p.trace = t.id
  CROSS JOIN _events AS e ON e.trace_session = p.id
  WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
    AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
  UNION ALL
  SELECT e.id, e.time_unix_nano
  FROM _logs AS l
  CROSS JOIN _traces AS t ON t.id = l.trace
  CROSS JOIN _events AS e ON e.log = l.id
  WHERE l.time_unix_nano >= :since AND l.time_unix_nano < :until AND iif(t.trace_id = '' AND :traces IS NULL, l.id, 0) > 0
  ORDER BY 2, 1
  LIMIT -1
) AS k
CROSS JOIN _events AS e ON e.id = k.id
CROSS JOIN _trace_sessions AS p ON p.id = e.trace_session
CROSS JOIN _traces AS t ON t.id = p.trace
LEFT JOIN _spans AS s ON s.id = e.span
LEFT JOIN _events AS f ON f.id = e.related_event
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _resources AS r ON r.id = coalesce(s.resource, l.resource);
