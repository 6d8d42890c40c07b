CREATE VIEW link_health_by_day AS
-- One row for each day (UTC) with a start or finish record: how the records were linked, as in link_health.
SELECT
  date(g.day * 86400, 'unixepoch') AS date,
  sum(g.records) AS records,
  sum(g.linked) AS linked,
  sum(g.linked_by_span) AS linked_by_span,
  sum(g.linked_by_temporal) AS linked_by_temporal,
  sum(g.orphan_starts) AS orphan_starts,
  sum(g.orphan_finishes) AS orphan_finishes,
  sum(g.running) AS running
FROM (
  SELECT
    e.time_unix_nano / 86400000000000 AS day,
    count(*) AS records,
    count(e.related_event) AS linked,
    count(*) FILTER (WHERE e.link_method = 'span') AS linked_by_span,
    count(*) FILTER (WHERE e.link_method = 'temporal') AS linked_by_temporal,
    count(*) FILTER (WHERE e.phase = 'start' AND e.related_event IS NULL) AS orphan_starts,
    count(*) FILTER (WHERE e.phase = 'finish' AND e.related_event IS NULL) AS orphan_finishes,
    0 AS running
  FROM _events AS e
  WHERE e.phase IS NOT NULL AND e.link_method IS NOT 'repeat'
  GROUP BY 1
  UNION ALL
  -- Starts and finishes of spans, each from an index; then what has a start and no finish: it runs, or its process is gone.
  SELECT s.start_time_unix_nano / 86400000000000, count(*), count(*), count(*), 0, 0, 0, 0
  FROM _spans AS s
  GROUP BY 1
  UNION ALL
  SELECT s.end_time_unix_nano / 86400000000000, count(*), count(*), count(*), 0, 0, 0, 0
  FROM _spans AS s
  WHERE s.finish_record IS NOT NULL
  GROUP BY 1
  UNION ALL
  SELECT s.start_time_unix_nano / 86400000000000, 0, -count(*), -count(*), 0, sum(h.is_gone = 1), 0, sum(h.is_gone = 0)
  FROM _open_spans AS o
  JOIN _open_runs AS h ON h.id = o.run
  JOIN _spans AS s ON s.id = o.span
  GROUP BY 1
) AS g
GROUP BY g.day;
