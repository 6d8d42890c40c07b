-- How many rows of which of our tables refer to rows of which other that are not there. Tables that a migration in place
-- has left may hold what they like.
SELECT f."table", f.parent, count(*) AS orphans
FROM sqlite_schema AS s
JOIN pragma_foreign_key_check(s.name) AS f
WHERE s.type = 'table' AND s.name LIKE '\_%' ESCAPE '\'
GROUP BY f."table", f.parent
ORDER BY f."table", f.parent;
