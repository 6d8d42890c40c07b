-- The records of some traces, as far as they name sessions and users: rows of [trace, row of _trace_sessions, whether it is a
-- log record, time, whether its parent is local, resource, session that it names itself or null, the strongest source of
-- that session in the trace and its rank, attributes, their types].
-- :traces is an array of ids of _traces.
SELECT
  s.trace, s.trace_session, 0, s.start_time_unix_nano, s.parent_span_id IS NOT NULL AND ifnull(s.parent_is_remote, 0) = 0, s.resource,
  x.session_id, p.source, p.source_rank,
  iif(s.texts IS NULL, s.attributes, (SELECT a.attributes FROM _whole_attributes AS a WHERE a.span = s.id)), s.attribute_types
FROM json_each(:traces) AS w
CROSS JOIN _spans AS s ON s.trace = w.value
CROSS JOIN _trace_sessions AS p ON p.id = s.trace_session
LEFT JOIN _sessions AS x ON x.id = p.own_session
UNION ALL
SELECT l.trace, l.trace_session, 1, l.time_unix_nano, 1, l.resource, iif(l.names_session, x.session_id, NULL), p.source, p.source_rank, l.attributes, l.attribute_types
FROM json_each(:traces) AS w
CROSS JOIN _logs AS l ON l.trace = w.value
CROSS JOIN _trace_sessions AS p ON p.id = l.trace_session
LEFT JOIN _sessions AS x ON x.id = p.own_session;
