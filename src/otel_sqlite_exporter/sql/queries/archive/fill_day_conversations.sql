-- Notes the conversations of all spans of a day, as the view _span_conversations finds them one by one: from those that name
-- one down to the spans below. Where several are equally near, as above both sides of a call, the view tells which.
-- :reader is who asks; the other parameters are those of archive_spans.
INSERT INTO temp._day_conversations (reader, span, conversation_id)
WITH RECURSIVE
  named AS MATERIALIZED (
    SELECT n.*
    FROM (
      SELECT s.trace, s.id, s.span_id, n.conversation_id
      FROM _traces AS t
      CROSS JOIN _spans AS s ON s.trace = t.id
      CROSS JOIN _named_conversations AS n ON n.span = s.id
      WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
        AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
      LIMIT -1
    ) AS n
    WHERE n.conversation_id IS NOT NULL
  ),
  down (trace, id, span_id, conversation_id, depth) AS (
    SELECT n.trace, n.id, n.span_id, n.conversation_id, 0 FROM named AS n
    UNION
    SELECT down.trace, q.id, q.span_id, down.conversation_id, down.depth + 1
    FROM down CROSS JOIN _spans AS q ON q.trace = down.trace AND q.parent_span_id = down.span_id
    WHERE iif(q.id IN (SELECT n.id FROM named AS n), 1000, down.depth) < 1000
  )
SELECT :reader, down.id, down.conversation_id
FROM down
WHERE true
ON CONFLICT (reader, span) DO UPDATE
SET conversation_id = (SELECT v.conversation_id FROM _span_conversations AS v WHERE v.span = excluded.span);
