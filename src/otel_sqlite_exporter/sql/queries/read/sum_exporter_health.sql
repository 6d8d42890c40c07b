-- The sums of the counters of all exporters of all processes; always one row.
SELECT
  count(*) AS exporters,
  max(last_write) AS last_write,
  coalesce(sum(received), 0) AS received,
  coalesce(sum(written), 0) AS written,
  coalesce(sum(duplicate), 0) AS duplicate,
  coalesce(sum(repaired), 0) AS repaired,
  coalesce(sum(quarantined), 0) AS quarantined,
  coalesce(sum(refused), 0) AS refused,
  coalesce(sum(opened), 0) AS opened,
  coalesce(sum(dropped), 0) AS dropped,
  coalesce(sum(spooled), 0) AS spooled,
  coalesce(sum(replayed), 0) AS replayed
FROM exporter_health;
