CREATE VIEW exporter_health AS
-- One row for each exporter in each process that wrote to this file; counters of spans since it started.
-- received = written + duplicate + quarantined. repaired counts values that could not be kept exactly.
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
  h.spooled
FROM _exporter_runs AS h;
