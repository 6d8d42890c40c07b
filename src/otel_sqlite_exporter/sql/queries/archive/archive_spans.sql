-- The rows of the table spans of a dataset: those of the view spans, and what only the writer needs. :since and :until are
-- the range in which their traces start, in nanoseconds; :traces is NULL, or an array of ids of traces; :id_base is added
-- to ids; :reader is who has noted the conversations. LIMIT keeps SQLite from dropping the order of the keys: to sort whole rows takes longer.
SELECT
  t.trace_id,
  s.span_id,
  s.parent_span_id,
  s.parent_is_remote,
  x.session_id,
  v.conversation_id,
  t.user_id,
  s.name,
  CASE s.kind WHEN 0 THEN 'INTERNAL' WHEN 1 THEN 'SERVER' WHEN 2 THEN 'CLIENT' WHEN 3 THEN 'PRODUCER' ELSE 'CONSUMER' END AS kind,
  CASE s.end_time_source WHEN 'open' THEN iif(h.is_gone, 'interrupted', 'running') WHEN 'estimated' THEN 'interrupted' ELSE iif(s.status_code = 2, 'error', 'ok') END AS status,
  CASE s.status_code WHEN 0 THEN 'UNSET' WHEN 1 THEN 'OK' ELSE 'ERROR' END AS status_code,
  s.status_description,
  s.start_time_unix_nano,
  max(s.end_time_unix_nano, ifnull(h.until_unix_nano, 0)) AS end_time_unix_nano,
  coalesce(s.start_time_source, 'record') AS start_time_source,
  iif(h.is_gone, 'estimated', coalesce(s.end_time_source, 'record')) AS end_time_source,
  s.trace_flags,
  s.trace_state,
  s.dropped_attributes,
  s.dropped_events,
  s.dropped_links,
  s.resource AS _resource,
  s.scope AS _scope,
  s.attribute_types,
  iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes,
  :id_base + s.id AS id,
  :id_base + s.finish_record AS _finish_id,
  y.session_id AS _own_session_id,
  s.start_attribute_types AS _start_attribute_types,
  s.start_attributes AS _start_attributes
FROM (
  SELECT s.id
  FROM _traces AS t
  CROSS JOIN _spans AS s ON s.trace = t.id
  CROSS JOIN _resources AS r ON r.id = s.resource
  WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
    AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
  ORDER BY r.service_name, s.start_time_unix_nano, s.id
  LIMIT -1
) AS k
CROSS JOIN _spans AS s ON s.id = k.id
CROSS JOIN _traces AS t ON t.id = s.trace
CROSS JOIN _trace_sessions AS p ON p.id = s.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _sessions AS y ON y.id = p.own_session
LEFT JOIN temp._day_conversations AS v ON v.reader = :reader AND v.span = s.id
LEFT JOIN _open_spans AS o ON o.span = s.id
LEFT JOIN _open_runs AS h ON h.id = o.run;
