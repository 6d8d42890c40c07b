-- The next parts of sources that a file has imported, after the id :after and up to :last.
SELECT i.id, i.digest, i.source, i.time_unix_nano
FROM _imports AS i
WHERE i.id > :after AND i.id <= :last
ORDER BY i.id
LIMIT :limit;
