-- Which service calls which: the spans whose parent is a span of another service, by both services. Parameters: since and
-- until, the range of the start of the span that was called; scanned, the number of the newest spans with a parent that
-- are looked at. A span that receives has the span that sends with the same id above it, as in a trace. Plan: the newest
-- spans of the range by index, and for each the span above it by its key. p95 sorts the durations of each pair. The
-- first row has the number of spans that were looked at.
WITH
  scanned AS MATERIALIZED (
    SELECT
      s.trace, s.span_id, s.parent_span_id, s.kind IN (1, 4) AS receives, s.resource, s.status_code = 2 AS has_failed,
      s.start_time_unix_nano, s.end_time_unix_nano - s.start_time_unix_nano AS duration_ns, s.end_time_source
    FROM _spans AS s
    WHERE s.start_time_unix_nano >= :since AND s.start_time_unix_nano < :until AND s.parent_span_id IS NOT NULL
    ORDER BY s.start_time_unix_nano DESC
    LIMIT :scanned
  ),
  called AS MATERIALIZED (
    SELECT
      coalesce(
        (SELECT z.resource FROM _spans AS z WHERE n.receives AND z.trace = n.trace AND z.span_id = n.span_id AND (z.kind IN (1, 4)) = 0),
        (SELECT z.resource FROM _spans AS z WHERE z.trace = n.trace AND z.span_id = n.parent_span_id ORDER BY z.kind IN (1, 4) DESC LIMIT 1)
      ) AS caller,
      n.resource AS callee, n.has_failed, n.duration_ns, n.start_time_unix_nano, n.end_time_source
    FROM scanned AS n
  ),
  crossing AS MATERIALIZED (
    SELECT a.service_name AS caller, b.service_name AS callee, c.has_failed, c.start_time_unix_nano, iif(c.end_time_source = 'open', NULL, c.duration_ns) AS duration_ns
    FROM called AS c
    CROSS JOIN _resources AS a ON a.id = c.caller
    CROSS JOIN _resources AS b ON b.id = c.callee
    WHERE c.caller <> c.callee AND a.service_name <> b.service_name
  ),
  ranked AS (
    SELECT
      x.*,
      row_number() OVER (PARTITION BY x.caller, x.callee, x.duration_ns IS NULL ORDER BY x.duration_ns) AS place,
      count(x.duration_ns) OVER (PARTITION BY x.caller, x.callee) AS ended
    FROM crossing AS x
  )
SELECT NULL AS caller, NULL AS callee, count(*) AS calls, NULL AS errors, NULL AS p95_ms, NULL AS max_ms, NULL AS last_time_unix_nano
FROM scanned
UNION ALL
SELECT *
FROM (
  SELECT
    r.caller, r.callee, count(*) AS calls, sum(r.has_failed) AS errors,
    min(iif(r.place * 100 >= r.ended * 95, r.duration_ns, NULL)) / 1e6 AS p95_ms,
    max(r.duration_ns) / 1e6 AS max_ms,
    max(r.start_time_unix_nano) AS last_time_unix_nano
  FROM ranked AS r
  GROUP BY r.caller, r.callee
  ORDER BY calls DESC, r.caller, r.callee
  LIMIT :limit
);
