-- The rows of _trace_sessions of a trace that show no session, with the numbers of their log records and spans.
SELECT p.trace, p.id, p.logs, p.spans
FROM _trace_sessions AS p
WHERE p.trace = :id AND p.session IS NULL
ORDER BY p.id;
