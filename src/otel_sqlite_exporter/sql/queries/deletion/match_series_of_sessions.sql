-- Matches the series that name one of the sessions :names.
INSERT INTO temp._matched_series (series, kinds)
SELECT m.id, :kind
FROM json_each(:names) AS n
CROSS JOIN _metric_series AS m ON m.session_id = n.value
WHERE true
ON CONFLICT (series) DO UPDATE SET kinds = kinds | excluded.kinds;
