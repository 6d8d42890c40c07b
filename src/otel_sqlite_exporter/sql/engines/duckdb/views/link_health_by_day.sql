CREATE OR REPLACE VIEW link_health_by_day AS
-- One row for each day (UTC) with a start or finish record: how the records were linked, as in link_health.
SELECT
  strftime(make_timestamp(g.day * 86400000000), '%Y-%m-%d') AS date,
  CAST(sum(g.records) AS BIGINT) AS records,
  CAST(sum(g.linked) AS BIGINT) AS linked,
  CAST(sum(g.linked_by_span) AS BIGINT) AS linked_by_span,
  CAST(sum(g.linked_by_temporal) AS BIGINT) AS linked_by_temporal,
  CAST(sum(g.orphan_starts) AS BIGINT) AS orphan_starts,
  CAST(sum(g.orphan_finishes) AS BIGINT) AS orphan_finishes,
  CAST(sum(g.running) AS BIGINT) AS running
FROM _linked_records AS g
GROUP BY g.day;
