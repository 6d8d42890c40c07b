-- The number of links of each span of a trace that has some. Parameter: trace_id.
SELECT l.span, count(*) AS links
FROM _traces AS t
CROSS JOIN _spans AS s ON s.trace = t.id
CROSS JOIN _links AS l ON l.span = s.id
WHERE t.trace_id = :trace_id
GROUP BY l.span;
