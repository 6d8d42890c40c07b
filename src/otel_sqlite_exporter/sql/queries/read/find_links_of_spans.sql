-- The links of these spans, in order. Parameter: spans, a JSON array of [trace id, span id].
SELECT
  l.trace_id, l.span_id, l.linked_trace_id, l.linked_span_id, l.is_remote, l.trace_flags, l.trace_state,
  l.dropped_attributes, l.attribute_types, l.attributes
FROM json_each(:spans) AS k
CROSS JOIN links AS l ON l.trace_id = k.value ->> 0 AND l.span_id = k.value ->> 1
ORDER BY k.key, l.ordinal;
