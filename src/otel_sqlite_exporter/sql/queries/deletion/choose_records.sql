-- Chooses the records of the parts that all selectors match (:kinds, a bit each), of the services :services (NULL: of
-- all). Of log records without a trace, those of the time; such a record also matches the users, whose bit is :of_users,
-- by itself. (m.kinds is never 0: a condition on a
-- record alone would let SQLite go through all of them first.)
INSERT INTO temp._chosen_records (is_log, record, part, time_unix_nano)
SELECT 0, s.id, s.trace_session, s.start_time_unix_nano
FROM temp._matched_parts AS m
CROSS JOIN _spans AS s ON s.trace_session = m.part
WHERE m.kinds & :kinds = :kinds
  AND (m.kinds = 0 OR :services IS NULL OR s.resource IN (
    SELECT r.id FROM _resources AS r WHERE r.service_name IN (SELECT n.value FROM json_each(:services) AS n)
  ));
INSERT INTO temp._chosen_records (is_log, record, part, time_unix_nano)
SELECT 1, l.id, l.trace_session, l.time_unix_nano
FROM temp._matched_parts AS m
CROSS JOIN _logs AS l ON l.trace_session = m.part
CROSS JOIN _traces AS t ON t.id = l.trace
WHERE m.kinds & :kinds = :kinds
  AND (t.trace_id <> '' OR (l.time_unix_nano >= :since AND l.time_unix_nano < :until))
  AND (m.kinds = 0 OR :services IS NULL OR l.resource IN (
    SELECT r.id FROM _resources AS r WHERE r.service_name IN (SELECT n.value FROM json_each(:services) AS n)
  ));
INSERT INTO temp._chosen_records (is_log, record, part, time_unix_nano)
SELECT 1, l.id, l.trace_session, l.time_unix_nano
FROM temp._matched_logs AS m
CROSS JOIN _logs AS l ON l.id = m.log
LEFT JOIN temp._matched_parts AS p ON p.part = l.trace_session
WHERE (ifnull(p.kinds, 0) | :of_users) & :kinds = :kinds
  AND l.time_unix_nano >= :since AND l.time_unix_nano < :until
  AND ( :services IS NULL OR l.resource IN (
    SELECT r.id FROM _resources AS r WHERE r.service_name IN (SELECT n.value FROM json_each(:services) AS n)
  ))
ON CONFLICT DO NOTHING;
INSERT INTO temp._chosen_parts (part, records)
SELECT c.part, count(*) FROM temp._chosen_records AS c GROUP BY c.part;
