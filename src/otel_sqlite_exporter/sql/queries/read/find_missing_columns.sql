-- Of a file with tables named as in the layout of attribute rows (`formats/attribute_rows.sql`): tables that lack a column
-- of it, events first, and that column, or those of which it needs one. What a file of the layout lacks does not matter.
WITH
  tables AS MATERIALIZED (
    SELECT
      t.name,
      lower(t.name) AS role,
      (SELECT json_group_array(lower(c.name)) FROM pragma_table_info(t.name) AS c) AS columns
    FROM sqlite_schema AS t
    WHERE t.type = 'table' AND t.sql NOT LIKE 'CREATE VIRTUAL%'
  ),
  needed (role, columns) AS (
    VALUES
      ('events', '["name"]'),
      ('events', '["timestamp"]'),
      ('events', '["trace_id", "span_id", "agent_id"]'),
      ('llm_interactions', '["event_id"]'),
      ('tool_interactions', '["event_id"]'),
      ('security_alerts', '["event_id"]'),
      ('framework_events', '["event_id"]'),
      ('llm_attributes', '["llm_interaction_id", "interaction_id"]'),
      ('tool_attributes', '["tool_interaction_id", "interaction_id"]'),
      ('security_attributes', '["security_alert_id", "alert_id"]'),
      ('framework_attributes', '["framework_event_id"]'),
      ('%_attributes', '["key"]'),
      ('%_attributes', '["value_text", "value_numeric", "value_boolean"]')
  )
SELECT t.name, (SELECT group_concat('`' || c.value || '`', ' or ') FROM json_each(n.columns) AS c) AS missing
FROM tables AS t
JOIN needed AS n ON t.role LIKE n.role
WHERE
  EXISTS (SELECT 1 FROM tables WHERE role = 'events')
  AND EXISTS (SELECT 1 FROM tables JOIN needed ON needed.role = tables.role WHERE tables.role <> 'events')
  AND NOT EXISTS (SELECT 1 FROM json_each(n.columns) AS c WHERE instr(t.columns, '"' || c.value || '"'))
ORDER BY t.role <> 'events', t.name;
