-- The labels of the scores without a value of some sessions or traces, by name: the ids are a JSON list, and that of the
-- other kind is empty.
SELECT found.id, c.name, c.label, count(*) AS number
FROM (
  SELECT x.session_id AS id, p.id AS place
  FROM json_each(:session_ids) AS given
  CROSS JOIN _sessions AS x ON x.session_id = given.value
  CROSS JOIN _trace_sessions AS p ON p.session = x.id
  UNION ALL
  SELECT t.trace_id, p.id
  FROM json_each(:trace_ids) AS given
  CROSS JOIN _traces AS t ON t.trace_id = given.value
  CROSS JOIN _trace_sessions AS p ON p.trace = t.id
) AS found
CROSS JOIN _scores AS c ON c.trace_session = found.place
WHERE c.value IS NULL AND c.label IS NOT NULL
GROUP BY found.id, c.name, c.label
ORDER BY found.id, c.name, number DESC, c.label;
