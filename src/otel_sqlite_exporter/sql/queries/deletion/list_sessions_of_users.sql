-- The ids of the sessions whose user is one of :names, of those that a matched part shows; the bit of users is :kind.
SELECT x.session_id
FROM (
  SELECT DISTINCT p.session
  FROM temp._matched_parts AS m
  CROSS JOIN _trace_sessions AS p ON p.id = m.part
  WHERE m.kinds & :kind AND p.session IS NOT NULL
) AS f
CROSS JOIN sessions AS x ON x.id = f.session
WHERE x.user_id IN (SELECT n.value FROM json_each(:names) AS n);
