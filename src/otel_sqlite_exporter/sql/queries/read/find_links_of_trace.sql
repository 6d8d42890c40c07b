-- The first links among the spans of a trace. Parameters: trace_id, limit. Plan: the spans of the trace by an index alone,
-- and the links of each by theirs.
SELECT l.trace_id, l.span_id, l.linked_trace_id, l.linked_span_id
FROM links AS l
WHERE l.trace_id = :trace_id
LIMIT :limit;
