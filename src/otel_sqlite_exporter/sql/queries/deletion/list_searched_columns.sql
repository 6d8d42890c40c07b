-- The columns of tables, those of the user too, that may hold a text or bytes. A virtual table has none: its rows are in
-- other tables.
SELECT t.name, c.name
FROM sqlite_schema AS t
CROSS JOIN pragma_table_list(t.name) AS l
CROSS JOIN pragma_table_xinfo(t.name) AS c
WHERE t.type = 'table' AND l.schema = 'main' AND l.type <> 'virtual'
  AND c.hidden = 0
  AND (l.strict = 0 OR c.type NOT IN ('INTEGER', 'INT', 'REAL'))
ORDER BY t.name, c.cid;
