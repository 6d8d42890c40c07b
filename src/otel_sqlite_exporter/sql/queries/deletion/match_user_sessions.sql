-- Matches the parts that show a session whose user is one of :names. A session has the user of one of its traces or
-- calls, so those of the parts that match and of log records without a trace are looked at.
INSERT INTO temp._matched_parts (part, kinds)
SELECT p.id, :kind
FROM (
  SELECT c.session
  FROM temp._matched_parts AS m
  CROSS JOIN _trace_sessions AS c ON c.id = m.part
  WHERE m.kinds & :kind AND c.session IS NOT NULL
  UNION
  SELECT c.session
  FROM temp._matched_logs AS m
  CROSS JOIN _logs AS l ON l.id = m.log
  CROSS JOIN _trace_sessions AS c ON c.id = l.trace_session
  WHERE c.session IS NOT NULL
) AS f
CROSS JOIN sessions AS x ON x.id = f.session
CROSS JOIN _trace_sessions AS p ON p.session = f.session
WHERE x.user_id IN (SELECT n.value FROM json_each(:names) AS n)
ON CONFLICT (part) DO UPDATE SET kinds = kinds | excluded.kinds;
