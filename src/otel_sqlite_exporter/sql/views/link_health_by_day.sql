CREATE VIEW link_health_by_day AS
-- One row for each day (UTC) with a start or finish record: how the records were linked, as in link_health.
SELECT
  date(e.time_unix_nano / 86400000000000 * 86400, 'unixepoch') AS date,
  count(*) AS records,
  count(e.related_event) AS linked,
  count(*) FILTER (WHERE e.link_method = 'span') AS linked_by_span,
  count(*) FILTER (WHERE e.link_method = 'temporal') AS linked_by_temporal,
  count(*) FILTER (WHERE e.phase = 'start' AND e.related_event IS NULL AND e.source <> 0) AS orphan_starts,
  count(*) FILTER (WHERE e.phase = 'finish' AND e.related_event IS NULL) AS orphan_finishes,
  count(*) FILTER (WHERE e.source = 0 AND e.phase = 'start' AND e.related_event IS NULL) AS running
FROM _events AS e
WHERE e.phase IS NOT NULL AND e.link_method IS NOT 'repeat'
GROUP BY e.time_unix_nano / 86400000000000;
