-- Matches all parts of the traces with these keys, :names.
INSERT INTO temp._matched_parts (part, kinds)
SELECT p.id, :kind
FROM json_each(:names) AS n
CROSS JOIN _trace_sessions AS p ON p.trace = n.value
WHERE true
ON CONFLICT (part) DO UPDATE SET kinds = kinds | excluded.kinds;
