-- A page of all marks, also of those that were taken away, after the id :after.
SELECT m.id, m.kind, m.session_id, m.trace_id, m.is_set, m.text, m.time_unix_nano
FROM _marks AS m
WHERE m.id > :after
ORDER BY m.id
LIMIT :limit;
