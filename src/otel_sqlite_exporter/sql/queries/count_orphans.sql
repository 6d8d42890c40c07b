-- How many rows of which table refer to rows of which other that are not there.
SELECT "table", parent, count(*) AS orphans
FROM pragma_foreign_key_check
GROUP BY "table", parent
ORDER BY "table", parent;
