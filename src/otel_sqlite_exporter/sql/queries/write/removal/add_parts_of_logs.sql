-- Adds the rows of _trace_sessions that log records which name no session need when their span is gone. :keys is
-- [[trace, span id], ...].
INSERT INTO _trace_sessions (trace, session, spans, errors, start_time_unix_nano, end_time_unix_nano)
SELECT t.id, t.session, 0, 0, min(l.time_unix_nano), max(l.time_unix_nano)
FROM json_each(:keys) AS w
CROSS JOIN _logs AS l ON l.trace = w.value ->> 0 AND l.span_id = w.value ->> 1
CROSS JOIN _traces AS t ON t.id = l.trace
WHERE iif(l.names_session = 0, l.id, 0) > 0
  AND NOT EXISTS (SELECT 1 FROM _spans AS s WHERE s.trace = l.trace AND s.span_id = l.span_id)
GROUP BY t.id
ON CONFLICT DO NOTHING;
