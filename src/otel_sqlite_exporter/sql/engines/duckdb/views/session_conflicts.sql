CREATE OR REPLACE VIEW session_conflicts AS
-- One row for each session that spans name and that is not the session of their trace. resolution is apart if these
-- spans keep their own session, and overruled if they show that of their trace, because a span without a local parent
-- names a session by a stronger source.
SELECT
  p.trace_id,
  t.session_id,
  t.session_source,
  p.own_session_id AS other_session_id,
  p.source AS other_session_source,
  p.spans AS other_spans,
  CASE WHEN p.session_id = p.own_session_id THEN 'apart' ELSE 'overruled' END AS resolution
FROM _trace_sessions AS p
JOIN _traces AS t ON t.trace_id = p.trace_id
WHERE p.own_session_id <> t.session_id AND p.spans > 0;
