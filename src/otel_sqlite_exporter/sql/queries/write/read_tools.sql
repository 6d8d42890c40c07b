-- Tellings of tool executions, and results that prompts hold, as JSON arrays: genai/tools/tool_tellings.py names their columns.
-- :after is an array of one id: all rows of _tool_interactions with a greater one. :tools is an array of such ids; the rows that they show are
-- found too. :keys is [[call key, trace, session], ...], :asked likewise with asked keys: 0 is for a trace or session that
-- is not known; :result_keys and :result_asked hold the id of a row of _spans instead. :names is [[trace, tool name], ...]; of
-- :named, likewise, only the rows without a call id are found. :spans is an array of ids of _spans that may stand
-- between tools, or did so as another version; :trace_sessions of ids of _trace_sessions that show another session than
-- before.
WITH RECURSIVE
  reached (id, trace, span_id, goes_on) AS (
    -- Also below a model call: its version before may have been none, and joined what is below it with what is above.
    SELECT s.id, s.trace, s.span_id, 1
    FROM json_each(:spans) AS w
    CROSS JOIN _spans AS s ON s.id = w.value
    UNION
    SELECT
      c.id, c.trace, c.span_id,
      NOT EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.span = c.id AND i.event IS NULL)
      AND NOT EXISTS (SELECT 1 FROM _tool_interactions AS i WHERE i.span = c.id AND i.event IS NULL AND i.is_request = 0)
    FROM reached AS r
    CROSS JOIN _spans AS c ON c.trace = r.trace AND c.parent_span_id = r.span_id
    WHERE r.goes_on
  ),
  keys (call_key, trace, session) AS MATERIALIZED (
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:keys)
    UNION
    SELECT w.value ->> 0, s.trace, ifnull(p.session, 0)
    FROM json_each(:result_keys) AS w
    CROSS JOIN _spans AS s ON s.id = w.value ->> 1
    CROSS JOIN _trace_sessions AS p ON p.id = s.trace_session
    UNION
    SELECT r.call_key, 0, 0
    FROM json_each(:trace_sessions) AS w
    CROSS JOIN _spans AS s ON s.trace_session = w.value
    CROSS JOIN _tool_results AS r ON r.span = s.id
  ),
  asked (asked_key, trace, session) AS MATERIALIZED (
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:asked)
    UNION
    SELECT w.value ->> 0, s.trace, ifnull(p.session, 0)
    FROM json_each(:result_asked) AS w
    CROSS JOIN _spans AS s ON s.id = w.value ->> 1
    CROSS JOIN _trace_sessions AS p ON p.id = s.trace_session
    UNION
    SELECT r.asked_key, 0, 0
    FROM json_each(:trace_sessions) AS w
    CROSS JOIN _spans AS s ON s.trace_session = w.value
    CROSS JOIN _tool_results AS r ON r.span = s.id
  ),
  -- Only what is of the same session or trace, or names no session, may be of the same execution. In one trace, tellings of
  -- several sessions may be: the traces of a session are read only where another session has the same call id.
  near_sessions (session) AS MATERIALIZED (SELECT session FROM keys UNION SELECT session FROM asked),
  near_traces (trace) AS MATERIALIZED (
    SELECT trace FROM keys
    UNION
    SELECT trace FROM asked
    UNION
    SELECT p.trace
    FROM near_sessions AS n
    CROSS JOIN _trace_sessions AS p ON p.session = n.session
    WHERE iif(p.trace IN (SELECT t.id FROM _traces AS t WHERE t.trace_id = ''), 0, n.session) > 0
  ),
  near_asked (asked_key, is_open) AS MATERIALIZED (
    -- Likewise: here a step of time is 1099511627776.
    SELECT a.asked_key + n.value, max(a.session = 0)
    FROM asked AS a CROSS JOIN json_each('[0,-1099511627776,1099511627776]') AS n
    GROUP BY 1
  ),
  near_keys (call_key, is_open) AS MATERIALIZED (
    -- The same call id in the time before and after: a step of time is 1048576.
    SELECT k.call_key + n.value, max(k.session = 0)
    FROM keys AS k CROSS JOIN json_each('[0,-1048576,1048576]') AS n
    GROUP BY 1
  ),
  found (id) AS MATERIALIZED (
    SELECT i.id FROM _tool_interactions AS i WHERE i.id > (SELECT value FROM json_each(:after))
    UNION
    SELECT i.id FROM _tool_interactions AS i WHERE i.is_stale = 1
    UNION
    SELECT value FROM json_each(:tools)
    UNION
    SELECT i.id FROM json_each(:tools) AS w CROSS JOIN _tool_interactions AS i ON i.merged_into = w.value
    UNION
    SELECT i.id
    FROM near_keys AS k
    CROSS JOIN _tool_interactions AS i ON i.call_key = k.call_key
    CROSS JOIN _trace_sessions AS p ON p.id = i.trace_session
    WHERE
      k.is_open OR p.session IS NULL
      OR p.session IN (SELECT session FROM near_sessions) OR p.trace IN (SELECT trace FROM near_traces)
    UNION
    SELECT i.id
    FROM near_asked AS k
    CROSS JOIN _tool_interactions AS i ON i.asked_key = k.asked_key
    CROSS JOIN _trace_sessions AS p ON p.id = i.trace_session
    WHERE
      k.is_open OR p.session IS NULL
      OR p.session IN (SELECT session FROM near_sessions) OR p.trace IN (SELECT trace FROM near_traces)
    UNION
    SELECT i.id
    FROM json_each(:names) AS w
    CROSS JOIN _tool_interactions AS i ON i.trace = w.value ->> 0 AND i.tool_name = w.value ->> 1
    UNION
    SELECT i.id
    FROM json_each(:named) AS w
    CROSS JOIN _tool_interactions AS i ON i.trace = w.value ->> 0 AND i.tool_name = w.value ->> 1 AND i.call_key IS NULL
    UNION
    SELECT i.id FROM json_each(:trace_sessions) AS w CROSS JOIN _tool_interactions AS i ON i.trace_session = w.value
    UNION
    SELECT i.id FROM reached AS r CROSS JOIN _tool_interactions AS i ON i.span = r.id
    UNION
    SELECT i.id
    FROM reached AS r
    CROSS JOIN _logs AS l ON l.trace = r.trace AND l.span_id = r.span_id
    CROSS JOIN _events AS e ON e.log = l.id
    CROSS JOIN _tool_interactions AS i ON i.event = e.id
  )
SELECT
  (
    SELECT json_group_array(json_array(
      i.id,
      CASE WHEN i.is_request THEN 2 ELSE i.event IS NOT NULL END,
      iif(t.trace_id = '', 0, i.trace),
      ifnull(p.session, 0),
      r.service_name,
      coalesce(s.span_id, l.span_id, ''),
      coalesce(s.parent_span_id, ''),
      -- How the execution was told: by which span, event or log record.
      CASE
        WHEN i.event IS NOT NULL THEN ifnull(e.name, '')
        WHEN i.start_event IS NOT NULL THEN ifnull(q.name, '')
        ELSE s.kind || ' ' || s.name || ' ' || ifnull(o.name, '')
      END,
      i.start_time_unix_nano,
      i.end_time_unix_nano,
      iif(i.is_request, min(i.start_time_unix_nano, ifnull(s.start_time_unix_nano, i.start_time_unix_nano)), i.start_time_unix_nano),
      (
        WITH RECURSIVE up (trace, id, parent_span_id, depth) AS (
          SELECT u.trace, u.id, u.parent_span_id, 0 FROM _spans AS u WHERE u.id = s.id AND i.event IS NULL
          UNION
          SELECT u.trace, u.id, u.parent_span_id, 1
          FROM _spans AS u
          WHERE (u.id = s.id AND i.event IS NOT NULL) OR (s.id IS NULL AND u.trace = l.trace AND u.span_id = l.span_id)
          UNION
          SELECT u.trace, u.id, u.parent_span_id, up.depth + 1
          FROM up CROSS JOIN _spans AS u ON u.trace = up.trace AND u.span_id = up.parent_span_id
          WHERE up.depth < 1000 AND (up.depth = 0 OR NOT (
            EXISTS (SELECT 1 FROM _llm_interactions AS c WHERE c.span = up.id AND c.event IS NULL)
            OR EXISTS (SELECT 1 FROM _tool_interactions AS c WHERE c.span = up.id AND c.event IS NULL AND c.is_request = 0)
          ))
        )
        SELECT (SELECT c.id FROM _tool_interactions AS c WHERE c.span = up.id AND c.event IS NULL AND c.is_request = 0) AS tool
        FROM up
        WHERE up.depth > 0 AND i.is_request = 0 AND tool IS NOT NULL
        LIMIT 1
      ),
      i.has_finish,
      i.is_stale,
      i.merged_into,
      i.counted,
      i.asked_key,
      json(i.own_facts),
      json_array(
        i.tool_name, i.tool_call_id, i.tool_type, i.user_id, i.agent_name, i.error_type, i.status_code, i.arguments,
        i.result, i.waiting_ms
      ),
      -- What the row shows besides, from its start or from attributes.
      json_array(
        b.tool_name, b.tool_call_id, b.tool_type, b.user_id, b.agent_name, NULL, NULL,
        coalesce(b.arguments, iif(i.is_request, NULL, iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.tool.call.arguments"')), iif(i.is_request, NULL, iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) ->> '$."gen_ai.tool.call.result"'), NULL
      )
    ))
    FROM found AS w
    CROSS JOIN _tool_interactions AS i ON i.id = w.id
    CROSS JOIN _trace_sessions AS p ON p.id = i.trace_session
    CROSS JOIN _traces AS t ON t.id = p.trace
    CROSS JOIN _resources AS r ON r.id = i.resource
    LEFT JOIN _tool_interactions AS b ON b.event = i.start_event AND i.is_request = 0
    LEFT JOIN _spans AS s ON s.id = i.span
    LEFT JOIN _scopes AS o ON o.id = s.scope
    LEFT JOIN _events AS e ON e.id = i.event
    LEFT JOIN _events AS q ON q.id = i.start_event
    LEFT JOIN _logs AS l ON l.id = coalesce(e.log, q.log)
  ) AS tools,
  (
    SELECT json_group_array(json_array(
      r.id, r.call_key, r.asked_key, r.trace, ifnull(p.session, 0), v.service_name, r.tool_call_id, r.time_unix_nano, r.result,
      r.is_error, s.span_id
    ))
    FROM (
      SELECT r.id
      FROM near_keys AS k
      CROSS JOIN _tool_results AS r ON r.call_key = k.call_key
      CROSS JOIN _spans AS s ON s.id = r.span
      CROSS JOIN _trace_sessions AS p ON p.id = s.trace_session
      WHERE
        k.is_open OR p.session IS NULL
        OR p.session IN (SELECT session FROM near_sessions) OR p.trace IN (SELECT trace FROM near_traces)
      UNION
      SELECT r.id
      FROM near_asked AS k
      CROSS JOIN _tool_results AS r ON r.asked_key = k.asked_key
      CROSS JOIN _spans AS s ON s.id = r.span
      CROSS JOIN _trace_sessions AS p ON p.id = s.trace_session
      WHERE
        k.is_open OR p.session IS NULL
        OR p.session IN (SELECT session FROM near_sessions) OR p.trace IN (SELECT trace FROM near_traces)
    ) AS w
    CROSS JOIN _tool_results AS r ON r.id = w.id
    CROSS JOIN _spans AS s ON s.id = r.span
    CROSS JOIN _trace_sessions AS p ON p.id = s.trace_session
    CROSS JOIN _resources AS v ON v.id = s.resource
  ) AS results;
