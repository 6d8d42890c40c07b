-- Traces that show several sessions. Parameter: limit. Plan: the traces whose spans name several sessions, of which there
-- are few.
SELECT c.trace_id, c.session_id, c.session_source, c.other_session_id, c.other_session_source, c.other_spans
FROM session_conflicts AS c
WHERE c.resolution = 'apart'
LIMIT :limit;
