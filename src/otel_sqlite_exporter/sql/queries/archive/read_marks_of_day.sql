-- What was said of sessions and traces in a range of time, also that a mark was taken away: [the columns of a part].
-- Parameters: since, until (nanoseconds). Plan: all rows, as people write them.
SELECT
  CAST(iif(m.kind = 0, 'pin', 'note') AS TEXT), nullif(m.session_id, ''), nullif(m.trace_id, ''), m.is_set, m.text,
  m.time_unix_nano, m.id
FROM _marks AS m
WHERE m.time_unix_nano >= :since AND m.time_unix_nano < :until
ORDER BY m.time_unix_nano, m.kind, m.session_id, m.trace_id;
