CREATE OR REPLACE VIEW link_health AS
-- One row: the numbers of start and finish records, of linked ones, and of those without a partner. running counts
-- starts of spans that run; they are not orphans. success_rate is linked / (records - running); NULL: there are none.
SELECT
  CAST(coalesce(sum(g.records), 0) AS BIGINT) AS records,
  CAST(coalesce(sum(g.linked), 0) AS BIGINT) AS linked,
  CAST(coalesce(sum(g.linked_by_span), 0) AS BIGINT) AS linked_by_span,
  CAST(coalesce(sum(g.linked_by_temporal), 0) AS BIGINT) AS linked_by_temporal,
  CAST(coalesce(sum(g.orphan_starts), 0) AS BIGINT) AS orphan_starts,
  CAST(coalesce(sum(g.orphan_finishes), 0) AS BIGINT) AS orphan_finishes,
  CAST(sum(g.linked) AS DOUBLE) / nullif(sum(g.records) - sum(g.running), 0) AS success_rate,
  CAST(coalesce(sum(g.running), 0) AS BIGINT) AS running
FROM _linked_records AS g;
