-- Records that may pair by time, near those that a batch added or moved, as one JSON array in one row.
-- :groups is [[session or null, trace, stem, from_time_unix_nano], ...]. With a session the group is everything that
-- shows it, else the trace alone.
WITH
  wanted AS MATERIALIZED (
    SELECT
      w.value ->> 0 AS session, w.value ->> 1 AS trace, w.value ->> 2 AS stem, w.value ->> 3 AS from_time
    FROM json_each(:groups) AS w
  ),
  near AS (
    SELECT w.session, 0 AS trace_group, w.stem, p.trace, e.id, e.phase, e.time_unix_nano, e.span, e.ordinal, e.related_event,
      e.link_method
    FROM wanted AS w
    JOIN _trace_sessions AS p ON p.session = w.session AND p.candidate_time_unix_nano >= w.from_time
    JOIN _events AS e ON e.trace_session = p.id AND e.stem = w.stem AND e.time_unix_nano >= w.from_time
    WHERE w.session IS NOT NULL
    UNION ALL
    SELECT 0, w.trace, w.stem, p.trace, e.id, e.phase, e.time_unix_nano, e.span, e.ordinal, e.related_event, e.link_method
    FROM wanted AS w
    JOIN _trace_sessions AS p ON p.trace = w.trace AND p.session IS NULL
    JOIN _events AS e ON e.trace_session = p.id AND e.stem = w.stem AND e.time_unix_nano >= w.from_time
    WHERE w.session IS NULL
  )
SELECT json_group_array(json_array(
  n.time_unix_nano, n.phase = 'finish', t.trace_id || s.span_id, n.ordinal, n.id, n.trace, n.session, n.trace_group, n.stem,
  n.related_event, n.link_method
))
FROM near AS n
JOIN _traces AS t ON t.id = n.trace
LEFT JOIN _spans AS s ON s.id = n.span;
