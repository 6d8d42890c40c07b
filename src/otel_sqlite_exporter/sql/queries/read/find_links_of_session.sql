-- The first links among the spans of a session. Parameters: session_id, limit. Plan: as find_links_of_trace, for each row
-- of _trace_sessions of the session.
SELECT l.trace_id, l.span_id, l.linked_trace_id, l.linked_span_id
FROM links AS l
WHERE l.session_id = :session_id
LIMIT :limit;
