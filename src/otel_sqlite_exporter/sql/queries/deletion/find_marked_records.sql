-- The next :limit records that the run :deletion is to remove, after the row :after: those that are there still.
SELECT r.id, r.is_log, coalesce(s.id, l.id)
FROM _deletion_records AS r
LEFT JOIN _spans AS s ON r.is_log = 0 AND s.id = r.record AND s.start_time_unix_nano = r.time_unix_nano
LEFT JOIN _logs AS l ON r.is_log = 1 AND l.id = r.record AND l.time_unix_nano = r.time_unix_nano
WHERE r.id > :after AND r.deletion = :deletion
ORDER BY r.id
LIMIT :limit;
