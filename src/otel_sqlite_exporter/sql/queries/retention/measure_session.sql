-- The id of a session, and the numbers of its spans and log records.
SELECT x.session_id, ifnull(sum(p.spans), 0) AS spans, ifnull(sum(p.logs), 0) AS logs
FROM _sessions AS x
CROSS JOIN _trace_sessions AS p ON p.session = x.id
WHERE x.id = :id
GROUP BY x.id;
