-- What is around records that are removed from traces which keep others, as JSON arrays. :spans and :logs are arrays of ids
-- of _spans and _logs, :traces of these traces.
-- spans: the removed spans. children: the spans below them that stay. keys: [trace, span id] of the removed spans, and of
-- those that removed log records name. tools, calls: the rows
-- of _tool_interactions and _llm_interactions of log records in these spans that stay.
-- A condition comes one step after a table, or SQLite may build a Bloom filter of all its rows.
WITH
  gone AS MATERIALIZED (
    SELECT s.id, s.trace, s.span_id
    FROM json_each(:spans) AS w
    CROSS JOIN _spans AS s ON s.id = w.value
    WHERE iif(s.trace IN (SELECT value FROM json_each(:traces)), s.id, 0) > 0
  ),
  keys AS MATERIALIZED (
    SELECT trace, span_id FROM gone
    UNION
    SELECT l.trace, l.span_id
    FROM json_each(:logs) AS w
    CROSS JOIN _logs AS l ON l.id = w.value
    WHERE iif(l.span_id IS NOT NULL AND l.trace IN (SELECT value FROM json_each(:traces)), l.id, 0) > 0
  ),
  recorded (event) AS MATERIALIZED (
    SELECT e.id
    FROM gone AS g
    CROSS JOIN _logs AS l ON l.trace = g.trace AND l.span_id = g.span_id
    CROSS JOIN _events AS e ON e.log = l.id
    WHERE iif(l.id IN (SELECT value FROM json_each(:logs)), 0, g.id) > 0
  )
SELECT
  (SELECT json_group_array(id) FROM gone) AS spans,
  (
    SELECT json_group_array(c.id)
    FROM gone AS g
    CROSS JOIN _spans AS c ON c.trace = g.trace AND c.parent_span_id = g.span_id
    WHERE iif(c.id IN (SELECT id FROM gone), 0, g.id) > 0
  ) AS children,
  (SELECT json_group_array(json_array(trace, span_id)) FROM keys) AS keys,
  (
    SELECT json_group_array(id)
    FROM (
      SELECT i.id FROM recorded AS r CROSS JOIN _tool_interactions AS i ON i.event = r.event
      UNION
      SELECT i.id FROM recorded AS r CROSS JOIN _tool_interactions AS i ON i.start_event = r.event
    )
  ) AS tools,
  (
    SELECT json_group_array(i.id) FROM recorded AS r CROSS JOIN _llm_interactions AS i ON i.event = r.event
  ) AS calls;
