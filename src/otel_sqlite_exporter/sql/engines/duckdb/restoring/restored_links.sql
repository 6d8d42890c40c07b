-- Links of spans of traces. $traces is a list of trace ids.
SELECT
  p._span AS span,
  p.ordinal,
  p.linked_trace_id,
  p.linked_span_id,
  p.is_remote,
  p.trace_flags,
  p.trace_state,
  p.dropped_attributes,
  p.attribute_types,
  p.attributes
FROM _links AS p
SEMI JOIN (SELECT unnest($traces::VARCHAR[]) AS trace_id) AS w ON p.trace_id = w.trace_id;
