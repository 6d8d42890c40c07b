-- The next quarantined records of a file, after the id :after.
SELECT q.id, q.digest, q.arrival_time_unix_nano, q.reason, q.content
FROM _quarantine AS q
WHERE q.id > :after
ORDER BY q.id
LIMIT :limit;
