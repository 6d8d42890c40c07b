-- The exporters that wrote to a file after the time :since, and those that write the ends of spans that run.
SELECT
  h.run_id, h.signal, h.host, h.pid, h.boot_id, h.pid_namespace, h.process_start, h.package_version,
  h.start_time_unix_nano, h.last_write_unix_nano, h.batches, h.received, h.written, h.duplicate, h.quarantined,
  h.repaired, h.opened, h.dropped, h.spooled, h.replayed, h.retries, h.lag_ms, h.refused, h.points
FROM _exporter_runs AS h
WHERE h.last_write_unix_nano > :since OR h.id IN (SELECT o.run FROM _open_spans AS o)
ORDER BY h.id;
