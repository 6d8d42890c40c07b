-- Records that may pair by time, near those that a batch added or moved, as one JSON array: those of the same trace,
-- and those of every session that the trace shows. :changes is [[trace or null, session or null, stem, first time],
-- ...]; a session alone is one that records have left, or that of log records without a trace.
WITH
  changed AS MATERIALIZED (
    SELECT
      w.value ->> 0 AS trace, w.value ->> 1 AS session, w.value ->> 2 AS stem, w.value ->> 3 AS from_time
    FROM json_each(:changes) AS w
  ),
  near (trace_session, stem, from_time) AS (
    SELECT p.id, c.stem, c.from_time
    FROM changed AS c
    CROSS JOIN _trace_sessions AS p ON p.trace = c.trace
    UNION
    SELECT q.id, c.stem, c.from_time
    FROM changed AS c
    CROSS JOIN _trace_sessions AS p ON p.trace = c.trace
    CROSS JOIN _trace_sessions AS q
      ON q.session = iif(p.candidate_time_unix_nano IS NULL, NULL, p.session) AND q.candidate_time_unix_nano >= c.from_time
    UNION
    SELECT q.id, c.stem, c.from_time
    FROM changed AS c
    CROSS JOIN _trace_sessions AS q ON q.session = c.session AND q.candidate_time_unix_nano >= c.from_time
  )
SELECT json_group_array(json_array(
  e.time_unix_nano, e.phase = 'finish',
  t.trace_id || coalesce(s.span_id || (s.kind IN (1, 4)), coalesce(l.span_id, '') || ' ' || coalesce(l.body, '') || l.attributes),
  coalesce(e.ordinal, 0), e.id, iif(t.trace_id = '', NULL, p.trace), p.session, e.stem, e.related_event,
  (
    SELECT iif(u.trace_id = '', NULL, u.id)
    FROM _events AS f
    JOIN _trace_sessions AS q ON q.id = f.trace_session
    JOIN _traces AS u ON u.id = q.trace
    WHERE f.id = e.related_event
  )
))
FROM near AS n
CROSS JOIN _trace_sessions AS p ON p.id = n.trace_session
CROSS JOIN _events AS e ON e.trace_session = n.trace_session AND e.stem = n.stem AND e.time_unix_nano >= n.from_time
CROSS JOIN _traces AS t ON t.id = p.trace
LEFT JOIN _spans AS s ON s.id = e.span
LEFT JOIN _logs AS l ON l.id = e.log;
