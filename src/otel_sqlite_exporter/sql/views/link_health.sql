CREATE VIEW link_health AS
-- One row: how many start and finish records there are, how they were linked, and how many stand alone.
-- success_rate is linked / records; NULL while there are none.
SELECT
  count(*) AS records,
  count(e.related_event) AS linked,
  count(*) FILTER (WHERE e.link_method = 'span') AS linked_by_span,
  count(*) FILTER (WHERE e.link_method = 'temporal') AS linked_by_temporal,
  count(*) FILTER (WHERE e.phase = 'start' AND e.related_event IS NULL) AS orphan_starts,
  count(*) FILTER (WHERE e.phase = 'finish' AND e.related_event IS NULL) AS orphan_finishes,
  count(e.related_event) * 1.0 / nullif(count(*), 0) AS success_rate
FROM _events AS e
WHERE e.phase IS NOT NULL;
