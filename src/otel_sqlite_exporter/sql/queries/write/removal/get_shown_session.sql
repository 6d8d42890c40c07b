-- The session that a row of _trace_sessions shows, or null. :part is its id.
SELECT session FROM _trace_sessions WHERE id = :part;
