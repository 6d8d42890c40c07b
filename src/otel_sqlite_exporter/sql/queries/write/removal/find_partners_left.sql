-- Rows that stay, and that were paired with rows of records that are removed, as JSON arrays. :spans and :logs are arrays of
-- ids of _spans and _logs. events: the other events of pairs. calls: the other rows of the same calls, and rows of a
-- response key that was crowded (find_call_twins.sql) and is not any more.
-- A condition comes one step after a table, or SQLite may build a Bloom filter of all its rows.
WITH
  gone_events (id) AS MATERIALIZED (
    SELECT e.id FROM json_each(:spans) AS w CROSS JOIN _events AS e ON e.span = w.value
    UNION ALL
    SELECT e.id FROM json_each(:logs) AS w CROSS JOIN _events AS e ON e.log = w.value
  ),
  gone_calls AS MATERIALIZED (
    SELECT i.id, i.twin, i.response_key
    FROM json_each(:spans) AS w
    CROSS JOIN _llm_interactions AS i ON i.span = w.value
    UNION
    SELECT i.id, i.twin, i.response_key
    FROM json_each(:logs) AS w
    CROSS JOIN _events AS e ON e.log = w.value
    CROSS JOIN _llm_interactions AS i ON i.event = e.id
  ),
  crowded (response_key) AS MATERIALIZED (
    SELECT k.response_key
    FROM (SELECT DISTINCT response_key FROM gone_calls WHERE response_key IS NOT NULL) AS k
    WHERE EXISTS (SELECT 1 FROM _llm_interactions AS o WHERE o.response_key = k.response_key LIMIT 1 OFFSET 16)
      AND NOT EXISTS (
        SELECT 1
        FROM _llm_interactions AS o
        WHERE o.response_key = k.response_key AND o.id NOT IN (SELECT id FROM gone_calls)
        LIMIT 1 OFFSET 16
      )
  )
SELECT
  (
    SELECT json_group_array(e.related_event)
    FROM gone_events AS g
    CROSS JOIN _events AS e ON e.id = g.id
    WHERE iif(e.related_event IS NULL, 0, e.related_event NOT IN (SELECT id FROM gone_events))
  ) AS events,
  (
    SELECT json_group_array(id)
    FROM (
      SELECT i.id FROM gone_calls AS g CROSS JOIN _llm_interactions AS i ON i.twin = g.id
      UNION
      SELECT twin FROM gone_calls WHERE twin IS NOT NULL
      UNION
      SELECT i.id FROM crowded AS k CROSS JOIN _llm_interactions AS i ON i.response_key = k.response_key
    )
    WHERE id NOT IN (SELECT id FROM gone_calls)
  ) AS calls;
