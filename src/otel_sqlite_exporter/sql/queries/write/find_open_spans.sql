-- The open spans of some runs: ids of _spans and of their rows of _trace_sessions, as JSON arrays. :runs is an array of
-- ids of _exporter_runs.
SELECT json_group_array(o.span) AS spans, json_group_array(DISTINCT o.trace_session) AS trace_sessions
FROM _open_spans AS o
WHERE o.run IN (SELECT value FROM json_each(:runs));
