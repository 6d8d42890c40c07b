-- Rows of _trace_sessions without records, as JSON arrays of their ids, and of the sessions that they show or name. :parts is
-- an array of ids of _trace_sessions, :traces one of _traces, of which all rows are looked at.
WITH
  empty AS MATERIALIZED (
    SELECT p.id, p.own_session, p.session
    FROM (
      SELECT value AS id FROM json_each(:parts)
      UNION
      SELECT p.id FROM json_each(:traces) AS w CROSS JOIN _trace_sessions AS p ON p.trace = w.value
    ) AS f
    CROSS JOIN _trace_sessions AS p ON p.id = f.id
    WHERE NOT EXISTS (SELECT 1 FROM _spans AS s WHERE s.trace_session = f.id)
      AND NOT EXISTS (SELECT 1 FROM _logs AS l WHERE l.trace_session = f.id)
  )
SELECT
  (SELECT json_group_array(id) FROM empty) AS parts,
  (
    SELECT json_group_array(id)
    FROM (
      SELECT own_session AS id FROM empty WHERE own_session IS NOT NULL
      UNION
      SELECT session FROM empty WHERE session IS NOT NULL
    )
  ) AS sessions;
