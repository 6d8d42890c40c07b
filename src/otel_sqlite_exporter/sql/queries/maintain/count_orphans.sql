-- The number of rows of our tables that refer to missing rows, by table and the table they refer to. Tables that a
-- migration in place has left are not checked.
SELECT f."table", f.parent, count(*) AS orphans
FROM sqlite_schema AS s
JOIN pragma_foreign_key_check(s.name) AS f
WHERE s.type = 'table' AND s.name LIKE '\_%' ESCAPE '\'
GROUP BY f."table", f.parent
ORDER BY f."table", f.parent;
