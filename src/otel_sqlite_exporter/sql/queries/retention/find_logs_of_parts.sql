-- Log records of rows of _trace_sessions (:parts, a JSON array), in their order, at most :limit.
SELECT l.id
FROM json_each(:parts) AS j
CROSS JOIN _logs AS l ON l.trace_session = j.value
LIMIT :limit;
