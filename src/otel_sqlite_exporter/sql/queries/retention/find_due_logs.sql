-- Log records after (:time, :id) and before :before, the oldest first, and whether they name neither a trace nor a session.
SELECT l.id, l.time_unix_nano, p.session IS NULL AND t.trace_id = '' AS is_alone, r.service_name
FROM (
  SELECT z.id
  FROM _logs AS z INDEXED BY _logs_time
  WHERE (z.time_unix_nano, z.id) > (:time, :id) AND z.time_unix_nano < :before
  ORDER BY z.time_unix_nano, z.id
  LIMIT :limit
) AS f
CROSS JOIN _logs AS l ON l.id = f.id
CROSS JOIN _trace_sessions AS p ON p.id = l.trace_session
CROSS JOIN _traces AS t ON t.id = l.trace
CROSS JOIN _resources AS r ON r.id = l.resource;
