-- The spans of a trace in order of their start, without attributes. Parameter: trace_id. Plan: the keys of the spans by an
-- index alone, and then the spans in the order of their keys, so that each page is read once: in the order of the index,
-- which is that of the span ids, it would be read once for each span on it. The sort is in memory.
SELECT
  s.id, s.span_id, s.parent_span_id, s.kind IN (1, 4) AS receives, s.name, s.kind, s.resource,
  CASE s.end_time_source
    WHEN 'open' THEN 2 + (SELECT h.is_gone FROM _open_spans AS o CROSS JOIN _open_runs AS h ON h.id = o.run WHERE o.span = s.id)
    WHEN 'estimated' THEN 3
    ELSE s.status_code = 2
  END AS status,
  s.start_time_unix_nano,
  iif(
    s.end_time_source = 'open',
    max(s.end_time_unix_nano, (SELECT h.until_unix_nano FROM _open_spans AS o CROSS JOIN _open_runs AS h ON h.id = o.run WHERE o.span = s.id)),
    s.end_time_unix_nano
  ) - s.start_time_unix_nano AS duration_ns
FROM _spans AS s
WHERE s.id IN (SELECT z.id FROM _traces AS t CROSS JOIN _spans AS z ON z.trace = t.id WHERE t.trace_id = :trace_id)
ORDER BY s.start_time_unix_nano, s.id;
