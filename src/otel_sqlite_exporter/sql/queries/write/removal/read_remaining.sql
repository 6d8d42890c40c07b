-- The records of some rows of _trace_sessions: rows of [trace, 1 if that is a real trace (not that of log records without one),
-- row of _trace_sessions, whether it is a log record, start, end, whether its parent is local, its rank as the root, span id,
-- resource, session that it names itself or null, the strongest source of that session in the trace and its rank,
-- attributes, their types, whether it is a score, whether it came after these ids]. The attributes are null where no record of the trace names a session or a user.
-- :parts is an array of ids of _trace_sessions. Only spans that started or ended after the id :record and log records after
-- :log are read; 0: all.
WITH
  parts AS MATERIALIZED (
    SELECT
      p.id, p.trace, t.trace_id <> '' AS is_real, x.session_id, p.source, p.source_rank,
      coalesce(t.session, t.entry_session_rank, p.source_rank) IS NOT NULL OR t.user_id IS NOT NULL AS has_names
    FROM json_each(:parts) AS w
    CROSS JOIN _trace_sessions AS p ON p.id = w.value
    CROSS JOIN _traces AS t ON t.id = p.trace
    LEFT JOIN _sessions AS x ON x.id = p.own_session
  )
SELECT
  p.trace, p.is_real, p.id, 0, s.start_time_unix_nano, s.end_time_unix_nano,
  s.parent_span_id IS NOT NULL AND ifnull(s.parent_is_remote, 0) = 0,
  iif(s.parent_span_id IS NULL, 0, iif(ifnull(s.parent_is_remote, 0), 1, 2)), s.span_id, s.resource, p.session_id,
  p.source, p.source_rank,
  iif(p.has_names, iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)), NULL),
  s.attribute_types, 0, s.id > :record
FROM parts AS p
CROSS JOIN _spans AS s ON s.trace_session = p.id
WHERE max(s.id, ifnull(s.finish_record, 0)) > :record
UNION ALL
SELECT
  p.trace, p.is_real, p.id, 1, l.time_unix_nano, l.time_unix_nano, 1, 3, '', l.resource,
  iif(l.names_session, p.session_id, NULL), p.source, p.source_rank, iif(p.has_names, l.attributes, NULL), l.attribute_types,
  l.event_name IS 'gen_ai.evaluation.result', 1
FROM parts AS p
CROSS JOIN _logs AS l ON l.trace_session = p.id
WHERE l.id > :log;
