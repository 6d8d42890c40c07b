-- Notes that a day is being written to a dataset.
INSERT INTO _archives (
  dataset, source, day, generation, run_id, is_complete, last_record, last_log, last_rewrite, spans, logs, points, time_unix_nano
)
VALUES (:dataset, :source, :day, :generation, :run_id, 0, 0, 0, 0, 0, 0, 0, :time_unix_nano);
