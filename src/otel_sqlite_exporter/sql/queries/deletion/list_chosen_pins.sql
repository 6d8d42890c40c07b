-- The sessions and traces with a pin of which records are chosen, and the label of the pin.
SELECT k.session_id, k.trace_id, k.text
FROM _marks AS k
WHERE k.kind = 0 AND k.is_set = 1 AND EXISTS (
  SELECT 1
  FROM temp._chosen_parts AS c
  CROSS JOIN _trace_sessions AS p ON p.id = c.part
  CROSS JOIN _traces AS t ON t.id = p.trace
  LEFT JOIN _sessions AS x ON x.id = p.session
  WHERE (k.trace_id <> '' AND t.trace_id = k.trace_id) OR (k.session_id <> '' AND x.session_id = k.session_id)
)
ORDER BY k.id;
