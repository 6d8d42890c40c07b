CREATE VIEW link_health AS
-- One row: the numbers of start and finish records, of linked ones, and of those without a partner. running counts
-- starts of spans that run; they are not orphans, those of a process that is gone are. success_rate is linked /
-- (records - running); NULL: there are none.
SELECT
  sum(g.records) AS records,
  sum(g.linked) AS linked,
  sum(g.linked_by_span) AS linked_by_span,
  sum(g.linked_by_temporal) AS linked_by_temporal,
  sum(g.orphan_starts) AS orphan_starts,
  sum(g.orphan_finishes) AS orphan_finishes,
  sum(g.linked) * 1.0 / nullif(sum(g.records) - sum(g.running), 0) AS success_rate,
  sum(g.running) AS running
FROM (
  SELECT
    count(*) AS records,
    count(e.related_event) AS linked,
    count(*) FILTER (WHERE e.link_method = 'span') AS linked_by_span,
    count(*) FILTER (WHERE e.link_method = 'temporal') AS linked_by_temporal,
    count(*) FILTER (WHERE e.phase = 'start' AND e.related_event IS NULL) AS orphan_starts,
    count(*) FILTER (WHERE e.phase = 'finish' AND e.related_event IS NULL) AS orphan_finishes,
    0 AS running
  FROM _events AS e
  WHERE e.phase IS NOT NULL AND e.link_method IS NOT 'repeat'
  UNION ALL
  SELECT c.spans + c.finishes, 2 * c.finishes, 2 * c.finishes, 0, c.gone, 0, c.spans - c.finishes - c.gone
  FROM (
    SELECT
      (SELECT count(*) FROM _spans AS s) AS spans,
      (SELECT count(*) FROM _spans AS s WHERE s.finish_record IS NOT NULL) AS finishes,
      (SELECT count(*) FROM _open_spans AS o JOIN _open_runs AS h ON h.id = o.run WHERE h.is_gone = 1) AS gone
  ) AS c
) AS g;
