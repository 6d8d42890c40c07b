-- The links of the spans of these traces, in order. Parameter: traces, a JSON array of trace ids.
SELECT
  trace_id, span_id, linked_trace_id, linked_span_id, is_remote, trace_flags, trace_state, dropped_attributes,
  attribute_types, attributes
FROM links
WHERE trace_id IN (SELECT value FROM json_each(:traces))
ORDER BY trace_id, span_id, ordinal;
