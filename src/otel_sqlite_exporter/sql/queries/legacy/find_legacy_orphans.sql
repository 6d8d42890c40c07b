-- The next keys that a parent table does not have, each once.
SELECT id, owner
FROM _legacy_references AS r
WHERE
  is_orphan = 1 AND parent = :parent AND id > :after
  AND NOT EXISTS (
    SELECT 1 FROM _legacy_references AS other
    WHERE other.parent = :parent AND other.owner = r.owner AND other.id < r.id
  )
ORDER BY id
LIMIT :limit;
