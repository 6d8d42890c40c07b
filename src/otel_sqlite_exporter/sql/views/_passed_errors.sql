CREATE VIEW _passed_errors AS
-- One row for each failed span with a failed span above it: its parent, or at most three spans further. is_passed is 1
-- if its error passed to the nearest of these, because that one says the same: the message (also without what is before
-- its first colon, or in a stack trace), or without a message, the type. It also passed to a span that says no cause of
-- its own. A span that says no cause passed its error to its parent if nothing but attempts that failed too began after
-- it there. is_consequence is 1 if it is no cause, and only tells that the request failed: that of another span below
-- the same failed span came before it, or the span above says the cause. is_last is 0 if a later failure below the same
-- span, other than that of the same call as another package recorded it, passed to it too: then the request failed with
-- that one. is_counted is 1 if the span is a counted call or tool execution. is_tried_again is 1 if a later span of the
-- same name failed alike below its parent: then that one passed.
-- json_each lets SQLite read a value once. No condition is on one table: in a large file, SQLite would read all of it to
-- make a Bloom filter. Private.
SELECT
  c.id,
  above.value ->> 0 AS parent,
  pf.value AS parent_facts,
  EXISTS (SELECT 1 FROM _llm_interactions AS i WHERE i.span = c.id AND i.counted = 1 AND i.is_aggregate = 0)
    OR EXISTS (SELECT 1 FROM _tool_interactions AS i WHERE i.span = c.id AND i.counted = 1 AND i.is_request = 0) AS is_counted,
  EXISTS (
    SELECT 1 FROM _spans AS q
    WHERE q.trace = c.trace AND q.parent_span_id = c.parent_span_id AND q.status_code = 2 AND q.name = c.name
      AND q.start_time_unix_nano >= c.end_time_unix_nano AND q.id <> c.id AND q.status_description IS c.status_description
  ) AS is_tried_again,
  told.value ->> '$.is_passed' AND NOT told.value ->> '$.is_consequence' AS is_passed,
  told.value ->> '$.is_consequence' AS is_consequence,
  NOT EXISTS (
    SELECT 1 FROM json_each((SELECT k.causes FROM _error_causes AS k WHERE k.span = above.value ->> 0)) AS d
    WHERE (d.value ->> 3, d.value ->> 2, d.value ->> 1) > (c.end_time_unix_nano, c.start_time_unix_nano, c.span_id) AND d.value ->> 0 <> c.id
      AND (pf.value ->> '$.is_said' = 0 OR d.value ->> 4 = cf.value ->> '$.message')
      AND NOT (
        ifnull(instr(d.value ->> 4, cf.value ->> '$.message') > 0, 1) AND EXISTS (
          WITH RECURSIVE up (trace, parent_span_id, id, depth) AS (
            SELECT q.trace, q.parent_span_id, q.id, 0
            FROM _llm_interactions AS k CROSS JOIN _llm_interactions AS i ON i.twin = k.id CROSS JOIN _spans AS q ON q.id = i.span
            WHERE k.span = c.id
            UNION ALL
            SELECT q.trace, q.parent_span_id, q.id, up.depth + 1
            FROM up CROSS JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.parent_span_id
            WHERE up.depth < 8
          )
          SELECT 1 FROM up WHERE up.id = d.value ->> 0
        )
      )
  ) AS is_last
FROM _spans AS c
CROSS JOIN json_each(json_array((
  WITH RECURSIVE up (trace, parent_span_id, id, status_code, depth) AS (
    SELECT c.trace, c.parent_span_id, NULL, 0, 0
    UNION ALL
    SELECT q.trace, q.parent_span_id, q.id, q.status_code, up.depth + 1
    FROM up CROSS JOIN _spans AS q ON q.trace = up.trace AND q.span_id = up.parent_span_id
    WHERE up.status_code <> 2 AND up.depth < 4
  )
  SELECT json_array(up.id, up.depth) FROM up WHERE up.status_code = 2 LIMIT 1
))) AS above
CROSS JOIN json_each(json_array((SELECT f.facts FROM _span_errors AS f WHERE f.id = c.id))) AS cf
CROSS JOIN json_each(json_array((SELECT f.facts FROM _span_errors AS f WHERE f.id = above.value ->> 0))) AS pf
CROSS JOIN json_each(json_array(CASE
    WHEN instr(pf.value ->> '$.text', cf.value ->> '$.message') > 0 THEN 1
    WHEN instr(cf.value ->> '$.text', pf.value ->> '$.message') > 0 THEN 1
    WHEN length(cf.value ->> '$.rest') > 9 AND instr(pf.value ->> '$.text', cf.value ->> '$.rest') > 0 THEN 1
    WHEN cf.value ->> '$.message' IS NULL AND cf.value ->> '$.is_said' AND instr(pf.value ->> '$.text', cf.value ->> '$.type') > 0 THEN 1
    WHEN pf.value ->> '$.message' IS NULL OR cf.value ->> '$.message' IS NULL THEN
      pf.value ->> '$.type' = cf.value ->> '$.type'
      OR substr(pf.value ->> '$.type', -length(cf.value ->> '$.type') - 1) = '.' || (cf.value ->> '$.type')
      OR substr(cf.value ->> '$.type', -length(pf.value ->> '$.type') - 1) = '.' || (pf.value ->> '$.type')
      OR pf.value ->> '$.is_said' = 0 OR above.value ->> 1 = 1 AND cf.value ->> '$.is_said' = 0 AND NOT EXISTS (
        SELECT 1 FROM _spans AS q
        WHERE q.trace = c.trace AND q.parent_span_id = c.parent_span_id AND q.start_time_unix_nano >= c.end_time_unix_nano AND q.id <> c.id
          AND (q.status_code <> 2 OR q.name <> c.name)
      )
    ELSE 0
  END
)) AS alike
CROSS JOIN json_each(json_array(json_object(
  'is_passed', ifnull(alike.value, 0),
  'is_consequence', cf.value ->> '$.is_cause' = 0 AND (
    pf.value ->> '$.is_said' AND (cf.value ->> '$.type' IS NULL OR cf.value ->> '$.type' = pf.value ->> '$.type' OR NOT ifnull(alike.value, 0))
    OR EXISTS (
      SELECT 1 FROM json_each((SELECT k.causes FROM _error_causes AS k WHERE k.span = above.value ->> 0)) AS d
      WHERE d.value ->> 2 <= c.start_time_unix_nano AND d.value ->> 3 <= c.end_time_unix_nano
    )
  )
))) AS told
WHERE cf.value IS NOT NULL AND pf.value IS NOT NULL;
