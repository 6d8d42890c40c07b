CREATE VIEW _shown_sessions AS
-- One row for each row of _trace_sessions, with the session that it shows by the rules: the one that its records name,
-- unless an entry span of their trace names one by a stronger source; else that of the trace. Private.
SELECT
  p.id AS trace_session,
  p.own_session IS NOT NULL AND ifnull(t.entry_session_rank < p.source_rank, 0) AS is_overruled,
  iif(p.own_session IS NULL OR ifnull(t.entry_session_rank < p.source_rank, 0), t.session, p.own_session) AS session
FROM _trace_sessions AS p
JOIN _traces AS t ON t.id = p.trace;
