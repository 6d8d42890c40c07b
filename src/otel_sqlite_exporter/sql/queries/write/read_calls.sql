-- The data that decides which calls repeat others, as one row of JSON arrays. :calls is an array of ids of
-- _llm_interactions; agents and workflows among them are left out.
-- calls: [id, has usage of its own, is_repeat, start, span id] of each.
-- inner_calls: [call, call inside it, with none between]. A call below a tool or an agent is not inside a call above that.
WITH RECURSIVE
  asked AS MATERIALIZED (
    SELECT i.*
    FROM json_each(:calls) AS w
    CROSS JOIN _llm_interactions AS i ON i.id = w.value
    WHERE i.is_aggregate = 0
  ),
  -- Spans inside calls, each once for each call directly around it. innermost is the call around what is inside a span:
  -- its own, or the same.
  reached (call, innermost, id, trace, span_id, is_inside) AS (
    SELECT NULL, a.id, s.id, s.trace, s.span_id, 1
    FROM asked AS a
    CROSS JOIN _spans AS s ON s.id = a.span
    WHERE a.event IS NULL
    UNION
    SELECT
      r.innermost,
      ifnull(
        (
          SELECT g.id FROM _llm_interactions AS g
          WHERE g.span = c.id AND ifnull(g.event, 0) = 0 AND g.is_aggregate = 0 AND g.is_hidden = 0
        ),
        r.innermost
      ),
      c.id,
      c.trace,
      c.span_id,
      NOT EXISTS (SELECT 1 FROM _tool_interactions AS t WHERE t.span = c.id AND t.event IS NULL AND t.is_request = 0)
      AND NOT EXISTS (
        SELECT 1 FROM _llm_interactions AS g WHERE g.span = c.id AND g.event IS NULL AND g.is_aggregate = 1
      )
    FROM reached AS r
    CROSS JOIN _spans AS c ON c.trace = r.trace AND c.parent_span_id = r.span_id
    WHERE r.is_inside
  ),
  below (call, innermost, id, trace, span_id) AS (
    SELECT call, innermost, id, trace, span_id FROM reached WHERE is_inside
  ),
  inner_calls (call, id) AS (
    SELECT iif(i.event IS NULL, b.call, b.innermost), i.id
    FROM below AS b
    CROSS JOIN _llm_interactions AS i ON i.span = b.id
    WHERE iif(i.is_hidden OR i.is_aggregate, 0, b.innermost) > 0
    UNION
    SELECT b.innermost, i.id
    FROM below AS b
    CROSS JOIN _logs AS l ON l.trace = b.trace AND l.span_id = b.span_id
    CROSS JOIN _events AS e ON e.log = l.id
    CROSS JOIN _llm_interactions AS i ON i.event = e.id
    WHERE iif(i.is_hidden OR i.is_aggregate, b.innermost, i.id) <> b.innermost
  )
SELECT
  (
    SELECT json_group_array(json_array(
      a.id, a.has_own_usage, a.is_repeat, a.start_time_unix_nano,
      coalesce((SELECT s.span_id FROM _spans AS s WHERE s.id = a.span), '')
    ))
    FROM asked AS a
  ) AS calls,
  (SELECT json_group_array(json_array(n.call, n.id)) FROM inner_calls AS n WHERE n.call <> n.id) AS inner_calls;
