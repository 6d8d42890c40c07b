-- The rows that refer to rows of a parent table. :owners is an array of keys.
SELECT kind, ranges
FROM _legacy_references
WHERE parent = :parent AND owner IN (SELECT value FROM json_each(:owners))
ORDER BY id;
