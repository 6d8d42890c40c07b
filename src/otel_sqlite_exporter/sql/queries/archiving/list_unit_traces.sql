-- The traces whose records show the session :id, if :kind is session, else the trace :id: its row, its start, and the row of
-- _trace_sessions of its log records without a trace, NULL for others.
SELECT t.id, t.start_time_unix_nano, iif(t.trace_id = '', p.id, NULL) AS part
FROM _trace_sessions AS p
CROSS JOIN _traces AS t ON t.id = p.trace
WHERE p.session = :id AND :kind = 'session' AND p.spans + p.logs > 0
UNION
SELECT t.id, t.start_time_unix_nano, NULL FROM _traces AS t WHERE t.id = :id AND :kind = 'trace';
