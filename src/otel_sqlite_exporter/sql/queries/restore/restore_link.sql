-- Adds a link of a span.
INSERT INTO _links (
  span, ordinal, linked_trace_id, linked_span_id, is_remote, trace_flags, trace_state, dropped_attributes,
  attribute_types, attributes
)
VALUES (
  :span, :ordinal, :linked_trace_id, :linked_span_id, :is_remote, :trace_flags, :trace_state, :dropped_attributes,
  :attribute_types, :attributes
);
