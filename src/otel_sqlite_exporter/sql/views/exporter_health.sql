CREATE VIEW exporter_health AS
-- One row for each exporter in each process that wrote to this file, with its counters since it started: of spans
-- (signal 'traces'), of log records ('logs'), or of both in a command that imported them ('import') or a server that
-- received them ('receive'); signal 'metrics' is of data points. received = written + duplicate + quarantined + refused.
-- refused counts data points that are not stored: of new series beyond the limit of a day, or that came after
-- `metrics_raw_days` had made their hour one point. repaired counts altered values, and opened
-- counts spans that were written before they ended. dropped counts lost records: the queue or the spool was full, or
-- neither file nor spool could be written. spooled went to the spool, replayed came back from it. retries counts batches
-- that were tried again. lag_ms is how long the oldest record of the last batch had waited. Of many rows, the oldest
-- that lost nothing are one row for each signal and version: its host is empty.
SELECT
  h.run_id,
  h.host,
  h.pid,
  h.package_version,
  strftime('%Y-%m-%dT%H:%M:%S', h.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', h.start_time_unix_nano / 1000 % 1000000) AS started,
  strftime('%Y-%m-%dT%H:%M:%S', h.last_write_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', h.last_write_unix_nano / 1000 % 1000000) AS last_write,
  h.batches,
  h.received,
  h.written,
  h.duplicate,
  h.repaired,
  h.quarantined,
  h.spooled,
  h.signal,
  h.opened,
  h.dropped,
  h.replayed,
  h.retries,
  h.lag_ms,
  h.refused
FROM _exporter_runs AS h;
