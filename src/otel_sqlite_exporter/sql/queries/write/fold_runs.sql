-- Adds runs that lost nothing into one row for each signal, version and rules, and removes them; the newest :kept rows
-- stay, and so do those with open spans. A run that writes again afterwards begins a row again, so the sums stay right.
INSERT INTO _exporter_runs (
  run_id, signal, host, pid, package_version, rules, rule_settings, start_time_unix_nano, last_write_unix_nano, batches,
  received, written, duplicate, quarantined, repaired, opened, spooled,
  refused, points
)
SELECT
  'earlier ' || h.signal || ' ' || h.package_version || ' ' || h.rules || ' ' || h.rule_settings, h.signal, '', 0,
  h.package_version, h.rules, h.rule_settings, min(h.start_time_unix_nano), max(h.last_write_unix_nano), sum(h.batches),
  sum(h.received), sum(h.written), sum(h.duplicate), sum(h.quarantined), sum(h.repaired), sum(h.opened), 0,
  sum(h.refused), sum(h.points)
FROM _exporter_runs AS h
WHERE h.host <> '' AND h.dropped = 0 AND h.spooled = 0 AND h.replayed = 0 AND h.retries = 0
  AND h.id NOT IN (SELECT o.run FROM _open_spans AS o)
  AND h.last_write_unix_nano < (
    SELECT n.last_write_unix_nano FROM _exporter_runs AS n ORDER BY n.last_write_unix_nano DESC LIMIT 1 OFFSET :kept - 1
  )
GROUP BY h.signal, h.package_version, h.rules, h.rule_settings
ON CONFLICT (run_id) DO UPDATE SET
  start_time_unix_nano = min(start_time_unix_nano, excluded.start_time_unix_nano),
  last_write_unix_nano = max(last_write_unix_nano, excluded.last_write_unix_nano),
  batches = batches + excluded.batches,
  received = received + excluded.received,
  written = written + excluded.written,
  duplicate = duplicate + excluded.duplicate,
  quarantined = quarantined + excluded.quarantined,
  repaired = repaired + excluded.repaired,
  opened = opened + excluded.opened,
  refused = refused + excluded.refused,
  points = points + excluded.points;

DELETE FROM _exporter_runs AS h
WHERE h.host <> '' AND h.dropped = 0 AND h.spooled = 0 AND h.replayed = 0 AND h.retries = 0
  AND h.id NOT IN (SELECT o.run FROM _open_spans AS o)
  AND h.last_write_unix_nano < (
    SELECT n.last_write_unix_nano FROM _exporter_runs AS n ORDER BY n.last_write_unix_nano DESC LIMIT 1 OFFSET :kept - 1
  );
