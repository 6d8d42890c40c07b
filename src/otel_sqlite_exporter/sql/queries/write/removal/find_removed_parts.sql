-- The rows of _trace_sessions that lose records, as one JSON array of [its id, its trace, 1 if that is a real trace (not that
-- of log records without one), own session or null, shown session or null, its first time, its last time, spans and log
-- records that go, records that stay in it, records that stay in its trace]. :spans and :logs are arrays of ids of _spans and _logs that are removed.
WITH
  gone (trace_session, is_log) AS MATERIALIZED (
    SELECT s.trace_session, 0 FROM json_each(:spans) AS w CROSS JOIN _spans AS s ON s.id = w.value
    UNION ALL
    SELECT l.trace_session, 1 FROM json_each(:logs) AS w CROSS JOIN _logs AS l ON l.id = w.value
  ),
  parts AS MATERIALIZED (
    SELECT
      p.id, p.trace, p.own_session, p.session, p.start_time_unix_nano, p.end_time_unix_nano, g.spans, g.logs,
      p.spans + p.logs - g.spans - g.logs AS rest
    FROM (
      SELECT trace_session, count(*) - sum(is_log) AS spans, sum(is_log) AS logs FROM gone GROUP BY trace_session
    ) AS g
    CROSS JOIN _trace_sessions AS p ON p.id = g.trace_session
  ),
  traces AS MATERIALIZED (
    SELECT
      t.id, t.trace_id <> '' AS is_real,
      iif(
        t.trace_id = '', 0, (SELECT sum(p.spans + p.logs) FROM _trace_sessions AS p WHERE p.trace = t.id) - g.records
      ) AS rest
    FROM (SELECT trace, sum(spans + logs) AS records FROM parts GROUP BY trace) AS g
    CROSS JOIN _traces AS t ON t.id = g.trace
  )
SELECT json_group_array(json_array(
  p.id, p.trace, t.is_real, p.own_session, p.session, p.start_time_unix_nano, p.end_time_unix_nano, p.spans, p.logs, p.rest,
  t.rest
))
FROM parts AS p
CROSS JOIN traces AS t
WHERE t.id = p.trace;
