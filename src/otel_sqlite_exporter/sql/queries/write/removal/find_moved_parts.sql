-- The rows of _trace_sessions of some traces that show another session than they should, as one JSON array of [its id, its
-- trace, session or null, the session that it should show or null, first time, last time]. :traces is an array of ids of _traces.
SELECT json_group_array(json_array(p.id, p.trace, p.session, x.session, p.start_time_unix_nano, p.end_time_unix_nano))
FROM json_each(:traces) AS w
CROSS JOIN _trace_sessions AS p ON p.trace = w.value
CROSS JOIN _shown_sessions AS x ON x.trace_session = p.id
WHERE p.session IS NOT x.session;
