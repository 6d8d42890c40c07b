-- The next owners that are not there, of a table of attribute rows.
SELECT min(id) AS first, owner
FROM _legacy_attributes
WHERE is_orphan = 1 AND kind = :kind
GROUP BY owner
HAVING first > :after
ORDER BY first
LIMIT :limit;
