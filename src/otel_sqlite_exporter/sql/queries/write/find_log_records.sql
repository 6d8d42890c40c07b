-- The starts and finishes among the log records of some spans, and among the events of these spans, as one JSON array of
-- [trace, span id, event, name, phase, time, whether it is a log record, related event or null, link method or null, stem
-- or null, span or null], in an order that does not depend on arrival. Spans without such log records are left out, but
-- for those of :lost, which lost some. Both are [[trace, span id], ...]. A condition on _events alone would make SQLite build a Bloom filter of all its rows.
WITH
  logged AS MATERIALIZED (
    SELECT DISTINCT l.trace, l.span_id
    FROM json_each(:spans) AS w
    CROSS JOIN _logs AS l ON l.trace = w.value ->> 0 AND l.span_id = w.value ->> 1
    CROSS JOIN _events AS e ON e.log = l.id
    WHERE iif(e.phase IS NOT NULL, e.log, 0) = l.id
    UNION
    SELECT w.value ->> 0, w.value ->> 1 FROM json_each(:lost) AS w
  )
SELECT json_group_array(json_array(
  r.trace, r.span_id, r.id, r.name, r.phase, r.time_unix_nano, r.is_log, r.related_event, r.link_method, r.stem, r.span
))
FROM (
  SELECT
    g.trace, g.span_id, e.id, e.name, e.phase, e.time_unix_nano, 1 AS is_log, e.related_event, e.link_method, e.stem,
    NULL AS ordinal, l.body, l.attributes, NULL AS span
  FROM logged AS g
  CROSS JOIN _logs AS l ON l.trace = g.trace AND l.span_id = g.span_id
  CROSS JOIN _events AS e ON e.log = l.id
  WHERE iif(e.phase IS NOT NULL, e.log, 0) = l.id
  UNION ALL
  SELECT
    g.trace, g.span_id, e.id, e.name, e.phase, e.time_unix_nano, 0, e.related_event, e.link_method, e.stem, e.ordinal,
    NULL, NULL, e.span
  FROM logged AS g
  CROSS JOIN _spans AS s ON s.trace = g.trace AND s.span_id = g.span_id
  CROSS JOIN _events AS e ON e.span = s.id
  WHERE iif(e.source = 1 AND e.phase IS NOT NULL, e.span, 0) = s.id
  ORDER BY 1, 2, 6, 7, 11, 4, 12, 13, 3 -- span, time, whether it is a log record, ordinal, name, body, attributes, id
) AS r;
