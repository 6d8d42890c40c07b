-- Matches these parts, :names.
INSERT INTO temp._matched_parts (part, kinds)
SELECT DISTINCT n.value, :kind
FROM json_each(:names) AS n
WHERE true
ON CONFLICT (part) DO UPDATE SET kinds = kinds | excluded.kinds;
