CREATE OR REPLACE VIEW span_times AS
-- One row for each span: its id and its start, as in the view spans.
SELECT
  s.id,
  s.start_time_unix_nano
FROM _spans AS s;
