-- How many spans and log records the traces have that started in a range of time: those of :only (an array of trace ids; NULL: all),
-- but for those of :left_out.
SELECT ifnull(sum(p.spans), 0) AS spans, ifnull(sum(p.logs), 0) AS logs
FROM _traces AS t
CROSS JOIN _trace_sessions AS p ON p.trace = t.id
WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
  AND (:only IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:only) AS w))
  AND t.trace_id NOT IN (SELECT w.value FROM json_each(:left_out) AS w);
