-- Matches the parts of users :names: all parts of the traces whose user one is, the parts with a call or a tool execution
-- of one, and all parts that show a session whose user one is. Log records without a trace are matched one by one.
INSERT INTO temp._matched_parts (part, kinds)
SELECT p.id, :kind
FROM _traces AS t
CROSS JOIN _trace_sessions AS p ON p.trace = t.id
WHERE t.user_id IN (SELECT n.value FROM json_each(:names) AS n) AND t.trace_id <> ''
ON CONFLICT (part) DO UPDATE SET kinds = kinds | excluded.kinds;
INSERT INTO temp._matched_parts (part, kinds)
SELECT DISTINCT i.trace_session, :kind
FROM (
  SELECT i.trace_session, i.trace
  FROM _llm_interactions AS i
  WHERE i.user_id IN (SELECT n.value FROM json_each(:names) AS n)
  UNION
  SELECT i.trace_session, i.trace
  FROM _tool_interactions AS i
  WHERE i.user_id IN (SELECT n.value FROM json_each(:names) AS n)
) AS i
CROSS JOIN _traces AS t ON t.id = i.trace
WHERE t.trace_id <> ''
ON CONFLICT (part) DO UPDATE SET kinds = kinds | excluded.kinds;
