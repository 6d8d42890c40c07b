-- Notes that a day is in a dataset, up to these ids.
UPDATE _archives
SET
  is_complete = 1, last_record = :last_record, last_log = :last_log, last_rewrite = :last_rewrite, spans = :spans, logs = :logs,
  points = :points
WHERE id = :id;
