-- Rows of _trace_sessions whose times must be computed again, as one JSON array of ids. Of the traces of :left: those
-- whose first or last time may be that of a record which now shows another session. Of the traces of :restarted: all.
-- Both are arrays of ids of _trace_sessions. A plus keeps SQLite from reading all records of the trace.
SELECT json_group_array(f.id)
FROM (
  SELECT q.id
  FROM json_each(:left) AS w
  CROSS JOIN _trace_sessions AS p ON p.id = w.value
  CROSS JOIN _trace_sessions AS q ON q.trace = p.trace
  -- In most traces no record shows another session. Where times are coarse, very many records of the file have one time.
  WHERE EXISTS (
      SELECT 1
      FROM _trace_sessions AS o
      WHERE o.trace = q.trace AND o.session IS NOT q.session AND o.spans + o.logs > 0
    )
    AND (EXISTS (
      SELECT 1
      FROM _logs AS l
      CROSS JOIN _trace_sessions AS o ON o.id = l.trace_session
      WHERE l.time_unix_nano IN (q.start_time_unix_nano, q.end_time_unix_nano)
        AND +l.trace = q.trace AND o.session IS NOT q.session
    )
    OR EXISTS (
      SELECT 1
      FROM _spans AS s
      CROSS JOIN _trace_sessions AS o ON o.id = s.trace_session
      WHERE s.start_time_unix_nano IN (q.start_time_unix_nano, q.end_time_unix_nano)
        AND +s.trace = q.trace AND o.session IS NOT q.session
    ))
  UNION
  SELECT q.id
  FROM json_each(:restarted) AS w
  CROSS JOIN _trace_sessions AS p ON p.id = w.value
  CROSS JOIN _trace_sessions AS q ON q.trace = p.trace
) AS f;
