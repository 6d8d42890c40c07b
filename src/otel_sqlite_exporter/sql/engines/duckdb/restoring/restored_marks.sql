-- What was said of sessions and traces. $sessions and $traces are lists.
SELECT
  if(p.kind = 'pin', 0, 1) AS kind,
  coalesce(p.session_id, '') AS session_id,
  coalesce(p.trace_id, '') AS trace_id,
  p.is_set,
  coalesce(p.text, '') AS text,
  p.time_unix_nano
FROM _marks AS p
WHERE list_contains($sessions::VARCHAR[], p.session_id) OR list_contains($traces::VARCHAR[], p.trace_id);
