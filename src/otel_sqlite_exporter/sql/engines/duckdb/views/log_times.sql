CREATE OR REPLACE VIEW log_times AS
-- One row for each log record: its id and its time, as in the view logs.
SELECT
  l.id,
  l.start_time_unix_nano
FROM _logs AS l;
