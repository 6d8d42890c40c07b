CREATE VIEW session_conflicts AS
-- One row for each session that spans name and that is not the session of their trace. resolution is apart if these
-- spans keep their own session, and overruled if they show that of their trace, because a span without a local parent
-- names a session by a stronger source.
SELECT
  t.trace_id,
  w.session_id,
  t.session_source,
  o.session_id AS other_session_id,
  p.source AS other_session_source,
  p.spans AS other_spans,
  iif(p.session = p.own_session, 'apart', 'overruled') AS resolution
FROM _trace_sessions AS p
JOIN _traces AS t ON t.id = p.trace
JOIN _sessions AS o ON o.id = p.own_session
JOIN _sessions AS w ON w.id = t.session
WHERE p.own_session <> t.session AND p.spans > 0;
