-- Lets records show the session that they should show by the rules, and returns the changed rows of _trace_sessions.
UPDATE _trace_sessions
SET session = w.session
FROM _shown_sessions AS w
WHERE w.trace_session = _trace_sessions.id AND _trace_sessions.session IS NOT w.session
RETURNING id;
