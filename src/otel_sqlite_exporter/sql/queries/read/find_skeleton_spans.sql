-- The spans of a trace in order of their start, without attributes. Parameter: trace_id. Plan: the spans of the trace by
-- index; the sort is in memory.
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
FROM _traces AS t
CROSS JOIN _spans AS s ON s.trace = t.id
WHERE t.trace_id = :trace_id
ORDER BY s.start_time_unix_nano, s.id;
