-- Spans of rows of _trace_sessions (:parts, a JSON array), in their order, at most :limit.
SELECT s.id
FROM json_each(:parts) AS j
CROSS JOIN _spans AS s ON s.trace_session = j.value
LIMIT :limit;
