-- The sessions that ended after (:time, :id) and before :before, the oldest first.
SELECT x.id, x.end_time_unix_nano
FROM _sessions AS x
WHERE (x.end_time_unix_nano, x.id) > (:time, :id) AND x.end_time_unix_nano < :before
ORDER BY x.end_time_unix_nano, x.id
LIMIT :limit;
