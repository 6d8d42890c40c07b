-- The data that decides which calls count, as one row of JSON arrays. :calls is an array of ids of _llm_interactions.
-- calls: [id, is an aggregate, has usage, usage is below it, is_repeat, is_duplicate] of each.
-- inner_calls: [call, call inside it]. A call below a tool or an agent is not inside a call above that.
-- responses: [response id, id, is_repeat, is_duplicate, has usage, has messages, start, end, span id] of the calls of
-- the same responses that began within twenty minutes of one of :calls.
WITH RECURSIVE
  asked AS MATERIALIZED (
    SELECT i.* FROM json_each(:calls) AS w CROSS JOIN _llm_interactions AS i ON i.id = w.value
  ),
  reached (call, id, trace, span_id, is_inside) AS (
    SELECT a.id, s.id, s.trace, s.span_id, 1
    FROM asked AS a
    CROSS JOIN _spans AS s ON s.id = a.span
    WHERE a.event IS NULL AND a.is_aggregate = 0
    UNION
    SELECT
      r.call, c.id, c.trace, c.span_id,
      NOT EXISTS (SELECT 1 FROM _tool_interactions AS t WHERE t.span = c.id AND t.event IS NULL AND t.is_request = 0)
      AND NOT EXISTS (
        SELECT 1 FROM _llm_interactions AS g WHERE g.span = c.id AND g.event IS NULL AND g.is_aggregate = 1
      )
    FROM reached AS r
    CROSS JOIN _spans AS c ON c.trace = r.trace AND c.parent_span_id = r.span_id
    WHERE r.is_inside
  ),
  below (call, id, trace, span_id) AS (SELECT call, id, trace, span_id FROM reached WHERE is_inside)
SELECT
  (
    SELECT json_group_array(json_array(
      a.id,
      a.is_aggregate,
      a.has_usage,
      a.is_aggregate = 1 AND EXISTS (
        WITH RECURSIVE down (trace, id, span_id) AS (
          SELECT s.trace, s.id, s.span_id FROM _spans AS s WHERE s.id = a.span
          UNION
          SELECT d.trace, c.id, c.span_id
          FROM down AS d
          CROSS JOIN _spans AS c ON c.trace = d.trace AND c.parent_span_id = d.span_id
        )
        SELECT 1
        FROM down AS d
        WHERE EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.span = d.id AND i.has_usage AND i.id <> a.id)
          OR EXISTS (
            SELECT 1
            FROM _logs AS l
            CROSS JOIN _events AS e ON e.log = l.id
            CROSS JOIN _llm_interactions AS i ON i.event = e.id
            WHERE l.trace = d.trace AND l.span_id = d.span_id AND i.has_usage
          )
      ),
      a.is_repeat,
      a.is_duplicate
    ))
    FROM asked AS a
  ) AS calls,
  (
    SELECT json_group_array(json_array(call, id))
    FROM (
      SELECT b.call, i.id
      FROM below AS b
      CROSS JOIN _llm_interactions AS i ON i.span = b.id
      WHERE iif(i.is_hidden, b.call, i.id) <> b.call
      UNION
      SELECT b.call, i.id
      FROM below AS b
      CROSS JOIN _logs AS l ON l.trace = b.trace AND l.span_id = b.span_id
      CROSS JOIN _events AS e ON e.log = l.id
      CROSS JOIN _llm_interactions AS i ON i.event = e.id
      WHERE iif(i.is_hidden, b.call, i.id) <> b.call
    )
  ) AS inner_calls,
  (
    SELECT json_group_array(json_array(
      response_id, id, is_repeat, is_duplicate, has_usage, has_messages, start_time_unix_nano, end_time_unix_nano, span_id
    ))
    FROM (
      SELECT DISTINCT
        i.response_id, i.id, i.is_repeat, i.is_duplicate, i.has_usage, i.start_time_unix_nano, i.end_time_unix_nano,
        i.prompt IS NOT NULL OR i.completion IS NOT NULL AS has_messages,
        coalesce((SELECT s.span_id FROM _spans AS s WHERE s.id = i.span), '') AS span_id
      FROM asked AS a
      CROSS JOIN _llm_interactions AS i ON i.response_id = a.response_id
        AND i.start_time_unix_nano BETWEEN a.start_time_unix_nano - 1200000000000 AND a.start_time_unix_nano + 1200000000000
      WHERE NOT (a.is_aggregate OR i.is_aggregate OR i.is_hidden)
    )
  ) AS responses;
