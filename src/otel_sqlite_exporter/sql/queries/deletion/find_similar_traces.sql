-- Two traces at most whose ids begin with :prefix, of those with records.
SELECT t.trace_id
FROM _traces AS t
WHERE t.trace_id >= :prefix AND t.trace_id < :prefix || char(1114111) AND t.trace_id <> ''
  AND EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.trace = t.id AND p.spans + p.logs > 0)
LIMIT 2;
