-- The spans of some log records, as a JSON array of ids. :logs is an array of ids of _logs.
SELECT json_group_array(DISTINCT s.id)
FROM json_each(:logs) AS w
CROSS JOIN _logs AS l ON l.id = w.value
CROSS JOIN _spans AS s ON s.trace = l.trace AND s.span_id = l.span_id;
