-- The spans above some spans, as a JSON array of [trace, span id, id of its parent], each once however many are below it.
-- :spans is [[trace, span id], ...]; they need not be in the file.
-- A condition on _spans alone would make SQLite build a Bloom filter of all its rows, in each batch.
WITH RECURSIVE
  above (trace, span_id) AS (
    SELECT w.value ->> 0, w.value ->> 1 FROM json_each(:spans) AS w
    UNION
    SELECT s.trace, s.parent_span_id
    FROM above AS a
    CROSS JOIN _spans AS s ON s.trace = a.trace AND s.span_id = a.span_id
  )
SELECT json_group_array(json_array(s.trace, s.span_id, s.parent_span_id))
FROM above AS a
CROSS JOIN _spans AS s ON s.trace = a.trace AND s.span_id = a.span_id
WHERE iif(s.parent_span_id IS NULL, 0, a.trace) > 0;
