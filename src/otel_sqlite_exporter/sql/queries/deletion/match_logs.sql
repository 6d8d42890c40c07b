-- Matches these log records without a trace, :names.
INSERT INTO temp._matched_logs (log) SELECT DISTINCT n.value FROM json_each(:names) AS n;
