-- quick
-- What was imported.

-- One row for each part of a source that was imported: the digest of its last piece and of all that is before it.
CREATE TABLE _imports (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL,                   -- its name, as it was given
  time_unix_nano INTEGER NOT NULL
) STRICT;

DROP VIEW exporter_health;
CREATE VIEW exporter_health AS
-- One row for each exporter in each process that wrote to this file; counters of spans (signal 'traces') or log records
-- (signal 'logs') since it started, or of both, for a command that imported them (signal 'import').
-- received = written + duplicate + quarantined. repaired counts values that could not be kept exactly, opened spans that were written before they ended, dropped what is lost: the queue or the spool was
-- full, or neither file nor spool could be written. spooled went to the spool, replayed came back from it. retries are
-- batches that were tried again. lag_ms is how long the oldest record of the last batch had waited.
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
  h.lag_ms
FROM _exporter_runs AS h;
