-- How much is chosen: sessions and traces of which all records go, others of which some go, rows of each kind, and the
-- spans that run; also how many spans and log records the file has.
SELECT
  (
    SELECT count(*)
    FROM (SELECT DISTINCT p.session FROM temp._chosen_parts AS c CROSS JOIN _trace_sessions AS p ON p.id = c.part WHERE p.session IS NOT NULL) AS x
    WHERE NOT EXISTS (
      SELECT 1
      FROM _trace_sessions AS p
      LEFT JOIN temp._chosen_parts AS c ON c.part = p.id
      WHERE p.session = x.session AND p.spans + p.logs > ifnull(c.records, 0)
    )
  ) AS sessions,
  (SELECT count(DISTINCT p.session) FROM temp._chosen_parts AS c CROSS JOIN _trace_sessions AS p ON p.id = c.part) AS touched_sessions,
  (
    SELECT count(*)
    FROM (SELECT DISTINCT p.trace FROM temp._chosen_parts AS c CROSS JOIN _trace_sessions AS p ON p.id = c.part) AS x
    CROSS JOIN _traces AS t ON t.id = x.trace
    WHERE t.trace_id <> '' AND NOT EXISTS (
      SELECT 1
      FROM _trace_sessions AS p
      LEFT JOIN temp._chosen_parts AS c ON c.part = p.id
      WHERE p.trace = x.trace AND p.spans + p.logs > ifnull(c.records, 0)
    )
  ) AS traces,
  (
    SELECT count(DISTINCT p.trace)
    FROM temp._chosen_parts AS c
    CROSS JOIN _trace_sessions AS p ON p.id = c.part
    CROSS JOIN _traces AS t ON t.id = p.trace
    WHERE t.trace_id <> ''
  ) AS touched_traces,
  (SELECT count(*) FROM temp._chosen_records AS c WHERE c.is_log = 0) AS spans,
  (SELECT count(*) FROM temp._chosen_records AS c WHERE c.is_log = 1) AS logs,
  (
    SELECT count(*) FROM temp._chosen_records AS c CROSS JOIN _events AS e ON e.span = c.record WHERE c.is_log = 0 AND e.source = 1
  ) + (
    SELECT count(*) FROM temp._chosen_records AS c CROSS JOIN _events AS e ON e.log = c.record WHERE c.is_log = 1
  ) AS events,
  (
    SELECT count(*) FROM temp._chosen_records AS c CROSS JOIN _llm_interactions AS i ON i.span = c.record WHERE c.is_log = 0
  ) + (
    SELECT count(*)
    FROM temp._chosen_records AS c
    CROSS JOIN _events AS e ON e.log = c.record
    CROSS JOIN _llm_interactions AS i ON i.event = e.id
    WHERE c.is_log = 1 AND i.span IS NULL
  ) AS calls,
  (
    SELECT count(*) FROM temp._chosen_records AS c CROSS JOIN _tool_interactions AS i ON i.span = c.record WHERE c.is_log = 0
  ) + (
    SELECT count(*)
    FROM temp._chosen_records AS c
    CROSS JOIN _events AS e ON e.log = c.record
    CROSS JOIN _tool_interactions AS i ON i.event = e.id
    WHERE c.is_log = 1 AND i.span IS NULL
  ) AS tools,
  (
    SELECT count(*) FROM temp._chosen_records AS c CROSS JOIN _open_spans AS o ON o.span = c.record WHERE c.is_log = 0
  ) AS running,
  (SELECT ifnull(sum(p.spans + p.logs), 0) FROM _trace_sessions AS p) AS all_records;
