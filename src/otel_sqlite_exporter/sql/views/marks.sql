CREATE VIEW marks AS
-- One row for each pin and note that is set: of a session, or of a trace. A pin keeps what it is on from `prune` and
-- retention. text is the label of a pin, which may be empty, or the note. time is when it was set. The session or trace
-- may not be in the file.
SELECT
  CAST(iif(m.kind = 0, 'pin', 'note') AS TEXT) AS kind,
  nullif(m.session_id, '') AS session_id,
  nullif(m.trace_id, '') AS trace_id,
  m.text,
  m.time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', m.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', m.time_unix_nano / 1000 % 1000000) AS time,
  m.id
FROM _marks AS m
WHERE m.is_set = 1;
