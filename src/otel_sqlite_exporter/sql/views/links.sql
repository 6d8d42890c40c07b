CREATE VIEW links AS
-- One row for each link: the span that has it (trace_id, span_id) and the linked span, which may be in no file.
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
  l.attributes
FROM _links AS l
JOIN _spans AS s ON s.id = l.span
JOIN _traces AS t ON t.id = s.trace
JOIN _trace_sessions AS p ON p.id = s.trace_session
LEFT JOIN _sessions AS x ON x.id = p.session;
