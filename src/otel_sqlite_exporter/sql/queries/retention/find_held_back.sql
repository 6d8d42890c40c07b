-- The ids of the sessions and of the traces that stay: kind 0 is pinned, 1 runs. A pinned trace keeps the sessions that
-- its records show, and a trace that runs keeps only the session of what runs.
SELECT 0 AS kind, x.id AS session, NULL AS trace
FROM _marks AS m
CROSS JOIN _sessions AS x ON x.session_id = m.session_id
WHERE m.kind = 0 AND m.is_set = 1 AND m.session_id <> ''
UNION
SELECT 0, p.session, t.id
FROM _marks AS m
CROSS JOIN _traces AS t ON t.trace_id = m.trace_id
CROSS JOIN _trace_sessions AS p ON p.trace = t.id
WHERE m.kind = 0 AND m.is_set = 1 AND m.trace_id <> ''
UNION
SELECT 1, p.session, iif(p.session IS NULL, p.trace, NULL)
FROM _open_spans AS o
CROSS JOIN _trace_sessions AS p ON p.id = o.trace_session
LEFT JOIN _open_runs AS h ON h.id = o.run
WHERE h.is_gone = 0;
