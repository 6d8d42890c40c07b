-- What is told of tools by some spans and log records, as JSON arrays: the call keys and the asked keys, also of results,
-- each as [key, trace, session] (0: none),
-- [trace, tool name] of tools without a call key, and of those with one, and the ids of the rows that show the same
-- executions. :spans is an array of ids of _spans, :logs of ids of _logs.
WITH
  tools AS MATERIALIZED (
    SELECT i.id, i.merged_into, i.trace, i.call_key, i.asked_key, i.tool_name, i.trace_session
    FROM json_each(:spans) AS w
    CROSS JOIN _tool_interactions AS i ON i.span = w.value
    UNION
    SELECT i.id, i.merged_into, i.trace, i.call_key, i.asked_key, i.tool_name, i.trace_session
    FROM json_each(:logs) AS w
    CROSS JOIN _events AS e ON e.log = w.value
    CROSS JOIN _tool_interactions AS i ON i.event = e.id OR (i.start_event = e.id AND i.is_request = 1)
  )
SELECT
  (
    SELECT json_group_array(json_array(w.call_key, iif(t.trace_id = '', 0, t.id), ifnull(p.session, 0)))
    FROM (
      SELECT call_key, trace_session FROM tools WHERE call_key IS NOT NULL
      UNION
      SELECT r.call_key, s.trace_session
      FROM json_each(:spans) AS w
      CROSS JOIN _tool_results AS r ON r.span = w.value
      CROSS JOIN _spans AS s ON s.id = w.value
      WHERE r.call_key IS NOT NULL
    ) AS w
    CROSS JOIN _trace_sessions AS p ON p.id = w.trace_session
    CROSS JOIN _traces AS t ON t.id = p.trace
  ) AS keys,
  (
    SELECT json_group_array(json_array(w.asked_key, iif(t.trace_id = '', 0, t.id), ifnull(p.session, 0)))
    FROM (
      SELECT asked_key, trace_session FROM tools WHERE asked_key IS NOT NULL
      UNION
      SELECT r.asked_key, s.trace_session
      FROM json_each(:spans) AS w
      CROSS JOIN _tool_results AS r ON r.span = w.value
      CROSS JOIN _spans AS s ON s.id = w.value
      WHERE r.asked_key IS NOT NULL
    ) AS w
    CROSS JOIN _trace_sessions AS p ON p.id = w.trace_session
    CROSS JOIN _traces AS t ON t.id = p.trace
  ) AS asked,
  (
    SELECT json_group_array(json_array(trace, tool_name))
    FROM (SELECT DISTINCT trace, tool_name FROM tools WHERE tool_name IS NOT NULL AND call_key IS NULL)
  ) AS names,
  (
    SELECT json_group_array(json_array(trace, tool_name))
    FROM (SELECT DISTINCT trace, tool_name FROM tools WHERE tool_name IS NOT NULL AND call_key IS NOT NULL)
  ) AS named,
  (
    SELECT json_group_array(id)
    FROM (
      SELECT merged_into AS id FROM tools WHERE merged_into > 0
      UNION
      SELECT i.id FROM tools AS w CROSS JOIN _tool_interactions AS i ON i.merged_into = w.id
    )
  ) AS tools;
