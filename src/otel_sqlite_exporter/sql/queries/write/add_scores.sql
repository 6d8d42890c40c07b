-- Adds what these events say as scores. :events is an array of ids of _events.
INSERT INTO _scores (event, trace_session, time_unix_nano, name, value, label, explanation, response_id, error_type)
SELECT s.event, s.trace_session, s.time_unix_nano, s.name, s.value, s.label, s.explanation, s.response_id, s.error_type
FROM json_each(:events) AS w
CROSS JOIN _event_scores AS s ON s.event = w.value;
