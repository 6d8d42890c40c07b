-- The traces of a session, with the numbers of their parts that show it, and of all their parts.
SELECT
  p.trace,
  count(*) AS parts,
  (SELECT count(*) FROM _trace_sessions AS q WHERE q.trace = p.trace AND q.spans + q.logs > 0) AS all_parts
FROM _trace_sessions AS p
CROSS JOIN _traces AS t ON t.id = p.trace
WHERE p.session = :id AND p.spans + p.logs > 0 AND t.trace_id <> ''
GROUP BY p.trace;
