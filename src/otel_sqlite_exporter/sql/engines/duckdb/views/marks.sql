CREATE OR REPLACE VIEW marks AS
-- One row for each pin and note that is set: of a session, or of a trace. text is the label of a pin, which may be empty,
-- or the note. The session or trace may not be in the dataset.
SELECT
  m.kind,
  nullif(m.session_id, '') AS session_id,
  nullif(m.trace_id, '') AS trace_id,
  m.text,
  m.time_unix_nano,
  strftime(make_timestamp(m.time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS time,
  m.id
FROM _valid_marks AS m;
