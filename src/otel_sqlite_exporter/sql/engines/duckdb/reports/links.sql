-- How start and finish records were linked, by day. Orphans have no record to be linked with. running is the number of
-- starts of spans that still run; they are not orphans. success_rate is linked / (records - running). Plan: one pass
-- over the times of all records.
SELECT
  date AS group_1,
  records,
  linked_by_span,
  linked_by_temporal,
  orphan_starts,
  orphan_finishes,
  running,
  linked * 1.0 / nullif(records - running, 0) AS success_rate
FROM link_health_by_day
WHERE date >= strftime(make_timestamp(:since // 1000), '%Y-%m-%d') AND date <= strftime(make_timestamp(:until // 1000), '%Y-%m-%d')
ORDER BY 1;
