-- The rows of _llm_interactions whose counting may change with these records, as JSON arrays of ids. calls: their own calls,
-- those of spans above, and those of spans below one of these calls. others: the other rows of all these calls, and those
-- whose place has changed; what is above and below them is not here. :spans is an array
-- of ids of _spans; :logs is [[trace, span id], ...], the spans that log records were recorded in; :events is an array of
-- ids of _events, :calls of _llm_interactions, :trace_sessions of _trace_sessions that show another session than before;
-- :leaves is [[span, response key], ...], calls that change nothing unless another call names the same response.
-- Where several reporters of a service record calls, the place of a call among spans and sessions says which are one.
-- The joins run from left to right, as the planner does not know how few rows there are. A condition on a table comes
-- one step later, on the gathered rows: on the table itself it can make SQLite build a Bloom filter of all rows.
WITH RECURSIVE
  told (event) AS MATERIALIZED (
    SELECT e.id FROM json_each(:events) AS w CROSS JOIN _events AS e ON e.id = w.value
    UNION
    SELECT e.related_event FROM json_each(:events) AS w CROSS JOIN _events AS e ON e.id = w.value
    UNION
    SELECT i.event FROM json_each(:calls) AS w CROSS JOIN _llm_interactions AS i ON i.id = w.value
  ),
  -- A span that is not a call and has nothing below it changes nothing.
  came (id) AS (
    SELECT s.id
    FROM json_each(:spans) AS w
    CROSS JOIN _spans AS s ON s.id = w.value
    WHERE EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.span = s.id)
      OR EXISTS (SELECT 1 FROM _tool_interactions AS i WHERE i.span = s.id)
      OR EXISTS (SELECT 1 FROM _spans AS c WHERE c.trace = s.trace AND c.parent_span_id = s.span_id)
      OR EXISTS (SELECT 1 FROM _logs AS l WHERE l.trace = s.trace AND l.span_id = s.span_id)
    UNION
    SELECT w.value ->> 0
    FROM json_each(:leaves) AS w
    WHERE EXISTS (
      SELECT 1
      FROM (SELECT -4294967296 AS step UNION ALL SELECT 0 UNION ALL SELECT 4294967296) AS k
      CROSS JOIN _llm_interactions AS i ON i.response_key = (w.value ->> 1) + k.step
      LIMIT 1 OFFSET 1
    )
    UNION
    SELECT s.id
    FROM json_each(:logs) AS w
    CROSS JOIN _spans AS s ON s.trace = w.value ->> 0 AND s.span_id = w.value ->> 1
    UNION
    SELECT i.span FROM json_each(:calls) AS w CROSS JOIN _llm_interactions AS i ON i.id = w.value
    UNION
    SELECT e.span FROM told AS t CROSS JOIN _events AS e ON e.id = t.event
    UNION
    SELECT s.id
    FROM told AS t
    CROSS JOIN _events AS e ON e.id = t.event
    CROSS JOIN _logs AS l ON l.id = e.log
    CROSS JOIN _spans AS s ON s.trace = l.trace AND s.span_id = l.span_id
  ),
  above (id, trace, parent_span_id) AS (
    -- What is below a span is below both sides of a call that share its ids.
    SELECT z.id, z.trace, z.parent_span_id
    FROM came AS m
    CROSS JOIN _spans AS s ON s.id = m.id
    CROSS JOIN _spans AS z ON z.trace = s.trace AND z.span_id = s.span_id
    UNION
    SELECT s.id, s.trace, s.parent_span_id
    FROM above AS a
    CROSS JOIN _spans AS s ON s.trace = a.trace AND s.span_id = a.parent_span_id
  ),
  enclosing (id, span, is_call) AS MATERIALIZED (
    SELECT i.id, i.span, i.event IS NULL AND i.is_aggregate = 0
    FROM above AS a
    CROSS JOIN _llm_interactions AS i ON i.span = a.id
  ),
  reached (id, trace, span_id, is_inside) AS (
    SELECT s.id, s.trace, s.span_id, 1 FROM enclosing AS e CROSS JOIN _spans AS s ON s.id = e.span WHERE e.is_call
    UNION
    SELECT
      c.id, c.trace, c.span_id,
      NOT EXISTS (SELECT 1 FROM _tool_interactions AS t WHERE t.span = c.id AND t.event IS NULL AND t.is_request = 0)
      AND NOT EXISTS (
        SELECT 1 FROM _llm_interactions AS a WHERE a.span = c.id AND a.event IS NULL AND a.is_aggregate = 1
      )
    FROM reached AS r
    CROSS JOIN _spans AS c ON c.trace = r.trace AND c.parent_span_id = r.span_id
    WHERE r.is_inside
  ),
  below (id, trace, span_id) AS (SELECT id, trace, span_id FROM reached WHERE is_inside),
  has_peers (yes) AS MATERIALIZED (
    SELECT 1 WHERE EXISTS (SELECT 1 FROM _reporters AS r WHERE r.is_aggregate = 0 GROUP BY r.service_name HAVING count(*) > 1)
  ),
  descended (id, trace, span_id) AS (
    SELECT s.id, s.trace, s.span_id
    FROM has_peers
    CROSS JOIN json_each(:spans) AS w
    CROSS JOIN _spans AS s ON s.id = w.value
    UNION
    SELECT c.id, c.trace, c.span_id
    FROM descended AS d
    CROSS JOIN _spans AS c ON c.trace = d.trace AND c.parent_span_id = d.span_id
  ),
  found (id) AS MATERIALIZED (
    SELECT id FROM enclosing
    UNION
    SELECT i.id FROM json_each(:calls) AS w CROSS JOIN _llm_interactions AS i ON i.id = w.value
    UNION
    SELECT i.id FROM told AS t CROSS JOIN _llm_interactions AS i ON i.event = t.event
    UNION
    SELECT i.id FROM below AS b CROSS JOIN _llm_interactions AS i ON i.span = b.id
    UNION
    SELECT i.id
    FROM below AS b
    CROSS JOIN _logs AS l ON l.trace = b.trace AND l.span_id = b.span_id
    CROSS JOIN _events AS e ON e.log = l.id
    CROSS JOIN _llm_interactions AS i ON i.event = e.id
  ),
  placed (id) AS (
    SELECT i.id FROM descended AS d CROSS JOIN _llm_interactions AS i ON i.span = d.id
    UNION
    SELECT i.id
    FROM descended AS d
    CROSS JOIN _logs AS l ON l.trace = d.trace AND l.span_id = d.span_id
    CROSS JOIN _events AS e ON e.log = l.id
    CROSS JOIN _llm_interactions AS i ON i.event = e.id
    UNION
    SELECT i.id
    FROM json_each(:trace_sessions) AS w
    CROSS JOIN _llm_interactions AS i ON i.trace_session = w.value
    WHERE EXISTS (SELECT 1 FROM has_peers) OR EXISTS (
      SELECT 1
      FROM (SELECT -4294967296 AS step UNION ALL SELECT 0 UNION ALL SELECT 4294967296) AS k
      CROSS JOIN _llm_interactions AS o ON o.response_key = i.response_key + k.step
      LIMIT 1 OFFSET 1
    )
  ),
  -- Response keys that are crowded (find_call_twins.sql), and are not without the calls found: those came, or will go.
  crowded (response_key) AS MATERIALIZED (
    SELECT k.response_key
    FROM (SELECT DISTINCT i.response_key FROM found AS f CROSS JOIN _llm_interactions AS i ON i.id = f.id) AS k
    WHERE EXISTS (SELECT 1 FROM _llm_interactions AS o WHERE o.response_key = k.response_key LIMIT 1 OFFSET 16)
      AND NOT EXISTS (
        SELECT 1
        FROM _llm_interactions AS o
        WHERE o.response_key = k.response_key AND o.id NOT IN (SELECT id FROM found)
        LIMIT 1 OFFSET 16
      )
  ),
  counting (id) AS (
    SELECT ifnull(i.twin, i.id) FROM found AS f CROSS JOIN _llm_interactions AS i ON i.id = f.id
  )
SELECT
  (SELECT json_group_array(id) FROM found) AS calls,
  (
    SELECT json_group_array(id)
    FROM (
      SELECT id FROM placed
      UNION
      SELECT i.id FROM crowded AS k CROSS JOIN _llm_interactions AS i ON i.response_key = k.response_key
      UNION
      SELECT id FROM counting
      UNION
      SELECT i.id FROM counting AS c CROSS JOIN _llm_interactions AS i ON i.twin = c.id
    )
  ) AS others;
