-- The links of these spans, in order. Parameter: spans, a JSON array of ids of _spans.
SELECT
  l.span, l.linked_trace_id, l.linked_span_id, l.is_remote, l.trace_flags, l.trace_state,
  l.dropped_attributes, l.attribute_types, l.attributes
FROM json_each(:spans) AS k
CROSS JOIN _links AS l ON l.span = k.value
ORDER BY k.key, l.ordinal;
