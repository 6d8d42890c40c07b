-- The spans of a trace with their parents.
SELECT span_id, parent_span_id FROM spans WHERE trace_id = :trace_id;
