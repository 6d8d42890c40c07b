-- When something was said last of a session or a trace, in one row or none.
SELECT m.time_unix_nano FROM _marks AS m
WHERE m.session_id = :session_id AND m.trace_id = :trace_id AND m.kind = :kind;
