-- The rows of the table links of a dataset: those of the view links. The parameters are those of archive_spans.
SELECT
  t.trace_id,
  s.span_id,
  x.session_id,
  l.ordinal,
  l.linked_trace_id,
  l.linked_span_id,
  l.is_remote,
  l.trace_flags,
  l.trace_state,
  l.dropped_attributes,
  l.attribute_types,
  l.attributes,
  :id_base + s.id AS _span
FROM (
  SELECT l.id, t.trace_id, s.id AS span, l.ordinal
  FROM _traces AS t
  CROSS JOIN _spans AS s ON s.trace = t.id
  CROSS JOIN _links AS l ON l.span = s.id
  WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
    AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
  ORDER BY t.trace_id, s.id, l.ordinal
  LIMIT -1
) AS k
CROSS JOIN _links AS l ON l.id = k.id
CROSS JOIN _spans AS s ON s.id = l.span
CROSS JOIN _traces AS t ON t.id = s.trace
CROSS JOIN _trace_sessions AS p ON p.id = s.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session;
