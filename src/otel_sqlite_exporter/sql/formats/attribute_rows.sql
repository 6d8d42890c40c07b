-- The tables of a file with telemetry in attribute rows: role, name, columns (a JSON array, in lower case) and the column
-- that refers to the event or to the row that has the attribute (NULL: none). The role of a table that is not part of
-- the layout is NULL. A file of any other format gives no row.
WITH
  tables AS MATERIALIZED (
    SELECT
      t.name,
      iif(lower(substr(t.name, 1, 7)) = 'legacy_', lower(substr(t.name, 8)), lower(t.name)) AS role,
      (SELECT json_group_array(lower(c.name)) FROM pragma_table_info(t.name) AS c) AS columns
    FROM sqlite_schema AS t
    WHERE
      t.type = 'table' AND t.sql NOT LIKE 'CREATE VIRTUAL%' AND substr(t.name, 1, 1) <> '_'
      AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'
  ),
  owners (role, owner) AS (
    VALUES
      ('llm_interactions', 'event_id'),
      ('tool_interactions', 'event_id'),
      ('security_alerts', 'event_id'),
      ('framework_events', 'event_id'),
      ('llm_attributes', 'llm_interaction_id'),
      ('llm_attributes', 'interaction_id'),
      ('tool_attributes', 'tool_interaction_id'),
      ('tool_attributes', 'interaction_id'),
      ('security_attributes', 'security_alert_id'),
      ('security_attributes', 'alert_id'),
      ('framework_attributes', 'framework_event_id'),
      ('security_alert_triggers', 'security_alert_id'),
      ('security_alert_triggers', 'alert_id')
  ),
  layout AS MATERIALIZED (
    -- Where a table has both columns, the longer one counts, which is the last in the alphabet.
    SELECT t.role, t.name, max(o.owner) AS owner
    FROM tables AS t
    JOIN owners AS o ON o.role = t.role AND instr(t.columns, '"' || o.owner || '"')
    WHERE
      t.role NOT LIKE '%\_attributes' ESCAPE '\'
      OR (
        instr(t.columns, '"key"')
        AND (instr(t.columns, '"value_text"') OR instr(t.columns, '"value_numeric"') OR instr(t.columns, '"value_boolean"'))
      )
    GROUP BY t.role, t.name
    UNION ALL
    SELECT role, name, NULL
    FROM tables
    WHERE
      role = 'events' AND instr(columns, '"name"') AND instr(columns, '"timestamp"')
      AND (instr(columns, '"trace_id"') OR instr(columns, '"span_id"') OR instr(columns, '"agent_id"'))
    UNION ALL
    SELECT role, name, NULL
    FROM tables
    WHERE
      role IN ('agents', 'sessions', 'traces', 'spans')
      AND (instr(columns, '"id"') OR instr(columns, '"' || rtrim(role, 's') || '_id"'))
  )
SELECT l.role, t.name, t.columns, l.owner
FROM tables AS t
LEFT JOIN layout AS l ON l.name = t.name
WHERE
  EXISTS (SELECT 1 FROM layout WHERE role = 'events') AND EXISTS (SELECT 1 FROM layout WHERE owner IS NOT NULL);
