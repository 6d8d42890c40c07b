CREATE VIEW link_health AS
-- One row: the numbers of start and finish records, of linked ones, and of those without a partner. running counts
-- starts of spans that have not ended; they are not orphans. success_rate is linked / (records - running); NULL: there
-- are none.
SELECT
  count(*) AS records,
  count(e.related_event) AS linked,
  count(*) FILTER (WHERE e.link_method = 'span') AS linked_by_span,
  count(*) FILTER (WHERE e.link_method = 'temporal') AS linked_by_temporal,
  count(*) FILTER (WHERE e.phase = 'start' AND e.related_event IS NULL AND e.source <> 0) AS orphan_starts,
  count(*) FILTER (WHERE e.phase = 'finish' AND e.related_event IS NULL) AS orphan_finishes,
  count(e.related_event) * 1.0 / nullif(count(*) - count(*) FILTER (WHERE e.source = 0 AND e.phase = 'start' AND e.related_event IS NULL), 0) AS success_rate,
  count(*) FILTER (WHERE e.source = 0 AND e.phase = 'start' AND e.related_event IS NULL) AS running
FROM _events AS e
WHERE e.phase IS NOT NULL AND e.link_method IS NOT 'repeat';
