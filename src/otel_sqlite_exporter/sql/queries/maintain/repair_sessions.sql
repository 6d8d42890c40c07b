-- Lets records that name no session show that of their trace, and returns the changed rows of _trace_sessions.
UPDATE _trace_sessions
SET session = (SELECT t.session FROM _traces AS t WHERE t.id = _trace_sessions.trace)
WHERE own_session IS NULL
  AND session IS NOT (SELECT t.session FROM _traces AS t WHERE t.id = _trace_sessions.trace)
RETURNING id;
