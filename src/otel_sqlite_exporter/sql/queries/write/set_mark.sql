-- Notes what was said of a session or a trace, unless something else was said of it later. So marks of several files can
-- be brought together in any order.
INSERT INTO _marks (kind, session_id, trace_id, is_set, text, time_unix_nano)
VALUES (:kind, :session_id, :trace_id, :is_set, :text, :time_unix_nano)
ON CONFLICT (session_id, trace_id, kind) DO UPDATE
SET is_set = excluded.is_set, text = excluded.text, time_unix_nano = excluded.time_unix_nano
WHERE (excluded.time_unix_nano, excluded.is_set, excluded.text) > (time_unix_nano, is_set, text);
