CREATE OR REPLACE VIEW links AS
-- One row for each link: the span that has it (trace_id, span_id) and the linked span.
SELECT
  l.trace_id,
  l.span_id,
  l.session_id,
  l.ordinal,
  l.linked_trace_id,
  l.linked_span_id,
  l.is_remote,
  l.trace_flags,
  l.trace_state,
  l.dropped_attributes,
  l.attribute_types,
  l.attributes
FROM _links AS l;
