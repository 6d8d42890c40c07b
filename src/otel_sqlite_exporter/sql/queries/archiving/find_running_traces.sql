-- The traces that have an open span, and when they started.
SELECT DISTINCT t.id, t.trace_id, t.start_time_unix_nano
FROM _open_spans AS o
CROSS JOIN _trace_sessions AS p ON p.id = o.trace_session
CROSS JOIN _traces AS t ON t.id = p.trace;
