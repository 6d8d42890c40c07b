-- Adds an exporter of another file, whose rows are derived here by :rules and :rule_settings. Counters only grow, so the
-- greater ones are the later ones. A row of many earlier runs (its host is empty) stays as it was when it first came: what
-- is added to it came before as rows of single runs.
INSERT INTO _exporter_runs (
  run_id, signal, host, pid, boot_id, pid_namespace, process_start, package_version, rules, rule_settings,
  start_time_unix_nano, last_write_unix_nano, batches, received, written, duplicate, quarantined, repaired, opened,
  dropped, spooled, replayed, retries, lag_ms, refused, points
)
VALUES (
  :run_id, :signal, :host, :pid, :boot_id, :pid_namespace, :process_start, :package_version, :rules, :rule_settings,
  :start_time_unix_nano, :last_write_unix_nano, :batches, :received, :written, :duplicate, :quarantined, :repaired,
  :opened, :dropped, :spooled, :replayed, :retries, :lag_ms, :refused, :points
)
ON CONFLICT (run_id) DO UPDATE SET
  lag_ms = iif(excluded.last_write_unix_nano > last_write_unix_nano, excluded.lag_ms, lag_ms),
  last_write_unix_nano = max(last_write_unix_nano, excluded.last_write_unix_nano),
  batches = max(batches, excluded.batches),
  received = max(received, excluded.received),
  written = max(written, excluded.written),
  duplicate = max(duplicate, excluded.duplicate),
  quarantined = max(quarantined, excluded.quarantined),
  repaired = max(repaired, excluded.repaired),
  opened = max(opened, excluded.opened),
  dropped = max(dropped, excluded.dropped),
  spooled = max(spooled, excluded.spooled),
  replayed = max(replayed, excluded.replayed),
  retries = max(retries, excluded.retries),
  refused = max(refused, excluded.refused),
  points = max(points, excluded.points)
WHERE excluded.host <> '';
