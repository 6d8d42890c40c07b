-- What was said, once each.
SELECT u.kind, u.session_id, u.trace_id, u.is_set, u.text, u.time_unix_nano, min(u.id) AS id
FROM united AS u
GROUP BY u.kind, u.session_id, u.trace_id, u.is_set, u.text, u.time_unix_nano
ORDER BY u.time_unix_nano, u.kind, u.session_id NULLS FIRST, u.trace_id NULLS FIRST;
