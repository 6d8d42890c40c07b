CREATE OR REPLACE VIEW _linked_records AS
-- One row for each day (UTC) and kind of record, with how start and finish records were linked. Private.
SELECT
  e.start_time_unix_nano // 86400000000000 AS day,
  count(*) AS records,
  count(e.related_event_id) AS linked,
  count(CASE WHEN e.link_method = 'span' THEN 1 END) AS linked_by_span,
  count(CASE WHEN e.link_method = 'temporal' THEN 1 END) AS linked_by_temporal,
  count(CASE WHEN e.phase = 'start' AND e.related_event_id IS NULL THEN 1 END) AS orphan_starts,
  count(CASE WHEN e.phase = 'finish' AND e.related_event_id IS NULL THEN 1 END) AS orphan_finishes,
  0 AS running
FROM _events AS e
WHERE e.phase IS NOT NULL AND (e.link_method IS NULL OR e.link_method <> 'repeat')
GROUP BY e.start_time_unix_nano // 86400000000000
UNION ALL
SELECT
  s.start_time_unix_nano // 86400000000000 AS day,
  count(*) AS records,
  count(s._finish_id) AS linked,
  count(s._finish_id) AS linked_by_span,
  0 AS linked_by_temporal,
  count(CASE WHEN s._finish_id IS NULL AND s.status = 'interrupted' THEN 1 END) AS orphan_starts,
  0 AS orphan_finishes,
  count(CASE WHEN s._finish_id IS NULL AND s.status <> 'interrupted' THEN 1 END) AS running
FROM _spans AS s
GROUP BY s.start_time_unix_nano // 86400000000000
UNION ALL
SELECT
  s.end_time_unix_nano // 86400000000000 AS day,
  count(*) AS records,
  count(*) AS linked,
  count(*) AS linked_by_span,
  0 AS linked_by_temporal,
  0 AS orphan_starts,
  0 AS orphan_finishes,
  0 AS running
FROM _spans AS s
WHERE s._finish_id IS NOT NULL
GROUP BY s.end_time_unix_nano // 86400000000000;
