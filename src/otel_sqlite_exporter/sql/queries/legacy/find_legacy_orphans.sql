-- The next rows that refer to an event that is not there.
SELECT id, kind, owner, detail, detail_rowid
FROM _legacy_details
WHERE is_orphan = 1 AND id > :after
ORDER BY id
LIMIT :limit;
