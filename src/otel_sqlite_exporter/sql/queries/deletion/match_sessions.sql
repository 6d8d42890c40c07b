-- Matches the parts that show one of the sessions :names.
INSERT INTO temp._matched_parts (part, kinds)
SELECT p.id, :kind
FROM json_each(:names) AS n
CROSS JOIN _sessions AS x ON x.session_id = n.value
CROSS JOIN _trace_sessions AS p ON p.session = x.id
WHERE true
ON CONFLICT (part) DO UPDATE SET kinds = kinds | excluded.kinds;
