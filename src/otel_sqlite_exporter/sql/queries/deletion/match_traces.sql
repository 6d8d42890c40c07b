-- Matches all parts of the traces :names.
INSERT INTO temp._matched_parts (part, kinds)
SELECT p.id, :kind
FROM json_each(:names) AS n
CROSS JOIN _traces AS t ON t.trace_id = n.value
CROSS JOIN _trace_sessions AS p ON p.trace = t.id
WHERE t.trace_id <> ''
ON CONFLICT (part) DO UPDATE SET kinds = kinds | excluded.kinds;
