-- The requests that a file received since :since, which a sender may repeat, after the id :after.
SELECT r.id, r.digest, r.time_unix_nano
FROM _requests AS r
WHERE r.id > :after AND r.time_unix_nano > :since
ORDER BY r.id
LIMIT :limit;
