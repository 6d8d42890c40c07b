-- The documented views and their columns.
SELECT v.name, c.name
FROM sqlite_schema AS v, pragma_table_info(v.name) AS c
WHERE v.type = 'view' AND v.name NOT GLOB '_*'
ORDER BY v.name, c.cid;
