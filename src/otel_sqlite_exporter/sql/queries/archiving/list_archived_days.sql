-- What is noted of the days of this file in a dataset: id, source, day, generation, run, whether it is complete, last ids, records
-- that came late, numbers of rows, and when it was read; of a day the last generation at the end.
SELECT
  a.id, a.source, a.day, a.generation, a.run_id, a.is_complete, a.last_record, a.last_log, a.last_rewrite, a.late_records, a.spans,
  a.logs, a.points, a.time_unix_nano
FROM _archives AS a
WHERE a.dataset = :dataset
ORDER BY a.day, a.generation;
