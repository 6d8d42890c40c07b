-- Matches these series, :names.
INSERT INTO temp._matched_series (series, kinds)
SELECT DISTINCT n.value, :kind
FROM json_each(:names) AS n
WHERE true
ON CONFLICT (series) DO UPDATE SET kinds = kinds | excluded.kinds;
