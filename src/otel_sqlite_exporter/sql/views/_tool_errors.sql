CREATE VIEW _tool_errors AS
-- One row for each tool execution, with what it says of its failure: its span, its record, else those of other records of
-- the same execution, else the key error of its result. NULL: nothing. Private.
SELECT
  i.id,
  coalesce(
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
        FROM (SELECT i.id UNION ALL SELECT t.id FROM _tool_interactions AS t WHERE t.merged_into = i.id AND t.is_request = 0) AS same
        CROSS JOIN _tool_interactions AS w ON w.id = same.id
        CROSS JOIN json_each('[0, 1]') AS k
        LIMIT -1
      ) AS told
      WHERE told.message IS NOT NULL
      ORDER BY told.is_other, told.is_record, told.message DESC
      LIMIT 1
    ),
    (SELECT iif(json_type(i.result, '$.error') = 'text', i.result ->> '$.error', NULL) WHERE json_valid(i.result))
  ) AS message
FROM _tool_interactions AS i;
