-- Adds the exporter of spans that run. Only its last write is known.
INSERT INTO _exporter_runs (
  run_id, signal, host, pid, package_version, start_time_unix_nano, last_write_unix_nano, batches, received, written,
  duplicate, quarantined, repaired, spooled
)
VALUES (:run_id, 'traces', 'archive', 0, :package_version, :until, :until, 0, 0, 0, 0, 0, 0, 0)
ON CONFLICT (run_id) DO NOTHING;
