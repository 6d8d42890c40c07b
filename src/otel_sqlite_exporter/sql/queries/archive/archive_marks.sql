-- The rows of the table marks of a dataset: what was said of sessions and traces in a range of time, also that a mark was taken
-- away. The parameters are those of archive_spans. With traces, there are none. Plan: all rows, as people write them.
SELECT
  CAST(iif(m.kind = 0, 'pin', 'note') AS TEXT) AS kind, nullif(m.session_id, '') AS session_id,
  nullif(m.trace_id, '') AS trace_id, m.is_set, m.text, m.time_unix_nano, :id_base + m.id AS id
FROM _marks AS m
WHERE m.time_unix_nano >= :since AND m.time_unix_nano < :until AND :traces IS NULL
ORDER BY m.time_unix_nano, 1, m.session_id, m.trace_id;
