-- The sums of the counters of all exporters of all processes; always one row. Files before version 15 have no column
-- `refused`: the name is then that of `older`, as the innermost table that has it counts.
SELECT
  count(*) AS exporters,
  max(last_write) AS last_write,
  coalesce(sum(received), 0) AS received,
  coalesce(sum(written), 0) AS written,
  coalesce(sum(duplicate), 0) AS duplicate,
  coalesce(sum(repaired), 0) AS repaired,
  coalesce(sum(quarantined), 0) AS quarantined,
  coalesce(sum(of_metrics), 0) AS refused,
  coalesce(sum(opened), 0) AS opened,
  coalesce(sum(dropped), 0) AS dropped,
  coalesce(sum(spooled), 0) AS spooled,
  coalesce(sum(replayed), 0) AS replayed
FROM (
  SELECT h.*, (SELECT refused FROM exporter_health AS m WHERE m.run_id = h.run_id) AS of_metrics
  FROM (SELECT 0 AS refused) AS older CROSS JOIN exporter_health AS h
);
