-- The id of a session, and a pinned trace whose records show it; NULL if the session is pinned itself, or no such trace is.
SELECT x.session_id, (
  SELECT m.trace_id
  FROM _trace_sessions AS p
  CROSS JOIN _traces AS t ON t.id = p.trace
  CROSS JOIN _marks AS m ON m.kind = 0 AND m.session_id = '' AND m.trace_id = t.trace_id
  WHERE p.session = x.id AND t.trace_id <> '' AND m.is_set = 1
    AND NOT EXISTS (
      SELECT 1 FROM _marks AS o WHERE o.kind = 0 AND o.session_id = x.session_id AND o.trace_id = '' AND o.is_set = 1
    )
  LIMIT 1
) AS pinned_trace_id
FROM _sessions AS x
WHERE x.id = :id;
