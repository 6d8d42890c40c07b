-- The id of a trace, and the numbers of its spans and log records that show no session.
SELECT t.trace_id, ifnull(sum(p.spans), 0) AS spans, ifnull(sum(p.logs), 0) AS logs
FROM _traces AS t
CROSS JOIN _trace_sessions AS p ON p.trace = t.id
WHERE t.id = :id AND p.session IS NULL
GROUP BY t.id;
