-- The traces without a session that ended after (:time, :id) and before :before, the oldest first.
SELECT t.id, t.end_time_unix_nano
FROM _traces AS t INDEXED BY _traces_alone
WHERE t.session IS NULL AND (t.end_time_unix_nano, t.id) > (:time, :id) AND t.end_time_unix_nano < :before
  AND t.trace_id <> ''
ORDER BY t.end_time_unix_nano, t.id
LIMIT :limit;
