-- The sessions and traces of which all records are chosen: kind 1 sessions, 2 traces.
SELECT 1 AS kind, s.session_id AS name
FROM (SELECT DISTINCT p.session FROM temp._chosen_parts AS c CROSS JOIN _trace_sessions AS p ON p.id = c.part WHERE p.session IS NOT NULL) AS x
CROSS JOIN _sessions AS s ON s.id = x.session
WHERE NOT EXISTS (
  SELECT 1
  FROM _trace_sessions AS p
  LEFT JOIN temp._chosen_parts AS c ON c.part = p.id
  WHERE p.session = x.session AND p.spans + p.logs > ifnull(c.records, 0)
)
UNION ALL
SELECT 2, t.trace_id
FROM (SELECT DISTINCT p.trace FROM temp._chosen_parts AS c CROSS JOIN _trace_sessions AS p ON p.id = c.part) AS x
CROSS JOIN _traces AS t ON t.id = x.trace
WHERE t.trace_id <> '' AND NOT EXISTS (
  SELECT 1
  FROM _trace_sessions AS p
  LEFT JOIN temp._chosen_parts AS c ON c.part = p.id
  WHERE p.trace = x.trace AND p.spans + p.logs > ifnull(c.records, 0)
);
