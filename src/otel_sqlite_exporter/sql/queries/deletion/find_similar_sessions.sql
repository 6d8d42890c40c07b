-- Two sessions at most whose ids begin with :prefix, of those with records or data points.
SELECT x.session_id
FROM _sessions AS x
WHERE x.session_id >= :prefix AND x.session_id < :prefix || char(1114111)
  AND EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.session = x.id AND p.spans + p.logs > 0)
UNION
SELECT m.session_id FROM _metric_series AS m WHERE m.session_id >= :prefix AND m.session_id < :prefix || char(1114111)
LIMIT 2;
