CREATE VIEW _passed_errors AS
-- One row for each failed span whose error passed to its parent, which failed with it: the parent says no cause of its
-- own, or the same message (also in its stack trace), or the same type where a message is missing. A span that says no
-- cause passed its error if below the parent nothing began after it but attempts that failed too. is_counted is 1 if
-- the span is a counted call or tool execution. is_tried_again is 1 if a later span of the same name failed alike below
-- the parent: then that one passed. json_each lets SQLite read the facts of a span once. No condition is on one table:
-- in a large file, SQLite would read all of it to make a Bloom filter. Private.
SELECT
  c.id,
  p.id AS parent,
  pf.value AS parent_facts,
  EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.span = c.id AND i.counted = 1 AND i.is_aggregate = 0)
    OR EXISTS (SELECT 1 FROM _tool_interactions AS i WHERE i.span = c.id AND i.counted = 1 AND i.is_request = 0) AS is_counted,
  EXISTS (
    SELECT 1 FROM _spans AS q
    WHERE q.trace = c.trace AND q.parent_span_id = c.parent_span_id AND q.status_code = 2 AND q.name = c.name
      AND q.start_time_unix_nano >= c.end_time_unix_nano AND q.id <> c.id AND q.status_description IS c.status_description
  ) AS is_tried_again
FROM _spans AS c
JOIN _spans AS p ON p.trace = c.trace AND p.span_id = c.parent_span_id
CROSS JOIN json_each(json_array((SELECT f.facts FROM _span_errors AS f WHERE f.id = c.id))) AS cf
CROSS JOIN json_each(json_array((SELECT f.facts FROM _span_errors AS f WHERE f.id = p.id))) AS pf
WHERE CASE WHEN c.status_code <> 2 OR p.status_code <> 2 THEN 0 ELSE (
  pf.value ->> '$.is_said' = 0
  OR instr(pf.value ->> '$.text', cf.value ->> '$.message') > 0
  OR instr(cf.value ->> '$.text', pf.value ->> '$.message') > 0
  OR (pf.value ->> '$.message' IS NULL OR cf.value ->> '$.message' IS NULL) AND (
    pf.value ->> '$.type' = cf.value ->> '$.type'
    OR substr(pf.value ->> '$.type', -length(cf.value ->> '$.type') - 1) = '.' || (cf.value ->> '$.type')
    OR substr(cf.value ->> '$.type', -length(pf.value ->> '$.type') - 1) = '.' || (pf.value ->> '$.type')
  )
  OR cf.value ->> '$.is_said' = 0 AND NOT EXISTS (
    SELECT 1 FROM _spans AS q
    WHERE q.trace = c.trace AND q.parent_span_id = c.parent_span_id AND q.start_time_unix_nano >= c.end_time_unix_nano AND q.id <> c.id
      AND (q.status_code <> 2 OR q.name <> c.name)
  )
) END;
