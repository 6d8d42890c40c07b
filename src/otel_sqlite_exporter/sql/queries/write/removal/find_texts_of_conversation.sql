-- The texts of a conversation, and those that its spans name, as JSON arrays of ids of _texts. :conversation is a key of
-- _sessions, or the negative of a key of _traces. Of the spans, only those that started or ended after the id :record.
WITH
  parts (id) AS (
    SELECT p.id FROM _trace_sessions AS p WHERE p.own_session = :conversation AND p.own_session IS NOT NULL
    UNION ALL
    SELECT p.id FROM _trace_sessions AS p WHERE p.trace = -:conversation AND coalesce(p.own_session, 0) = 0
  )
SELECT
  (SELECT json_group_array(t.id) FROM _texts AS t WHERE t.conversation = :conversation) AS texts,
  (
    SELECT json_group_array(DISTINCT j.value)
    FROM parts AS p
    CROSS JOIN _spans AS s ON s.trace_session = p.id
    CROSS JOIN json_tree(s.texts) AS j
    WHERE max(s.id, ifnull(s.finish_record, 0)) > :record AND j.path GLOB '$[[]*[[]2]'
  ) AS named;
