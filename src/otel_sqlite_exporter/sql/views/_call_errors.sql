CREATE VIEW _call_errors AS
-- One row for each model call, with what it says of its failure: its span, its record, else other records of the same
-- call. NULL: nothing. Private.
SELECT
  i.id,
  (
    SELECT told.message
    FROM (
      SELECT
        w.id <> i.id AS is_other,
        k.value AS is_record,
        CASE
          WHEN k.value THEN (SELECT r.message FROM _record_errors AS r WHERE r.event = w.event)
          WHEN w.id <> i.id OR w.event IS NULL THEN (SELECT m.message FROM _error_messages AS m WHERE m.span = w.span)
        END AS message
      FROM (SELECT i.id UNION ALL SELECT t.id FROM _llm_interactions AS t WHERE t.twin = i.id) AS same
      CROSS JOIN _llm_interactions AS w ON w.id = same.id
      CROSS JOIN json_each('[0, 1]') AS k
      LIMIT -1
    ) AS told
    WHERE told.message IS NOT NULL
    ORDER BY told.is_other, told.is_record, told.message DESC
    LIMIT 1
  ) AS message
FROM _llm_interactions AS i;
