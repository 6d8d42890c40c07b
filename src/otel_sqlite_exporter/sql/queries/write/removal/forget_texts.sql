-- Removes texts that nothing names any more, and returns their ids. :messages is an array of ids of _texts of messages that were
-- removed; :conversations of conversations that lost spans (keys of _sessions, negative keys of _traces).
DELETE FROM _texts
WHERE id IN (
  SELECT w.value
  FROM json_each(:messages) AS w
  WHERE NOT EXISTS (SELECT 1 FROM _messages AS m WHERE m.prompt = w.value AND m.prompt > 0)
    AND NOT EXISTS (SELECT 1 FROM _messages AS m WHERE m.completion = w.value AND m.completion > 0)
    AND NOT EXISTS (SELECT 1 FROM _messages AS m WHERE m.system_instructions = w.value AND m.system_instructions > 0)
  UNION ALL
  SELECT t.id
  FROM json_each(:conversations) AS w
  CROSS JOIN _texts AS t ON t.conversation = w.value
  WHERE NOT EXISTS (
      SELECT 1
      FROM _trace_sessions AS p
      CROSS JOIN _spans AS s ON s.trace_session = p.id
      WHERE p.own_session = w.value AND p.own_session IS NOT NULL
    )
    AND NOT EXISTS (
      SELECT 1
      FROM _trace_sessions AS p
      CROSS JOIN _spans AS s ON s.trace_session = p.id
      WHERE p.trace = -w.value AND coalesce(p.own_session, 0) = 0
    )
)
RETURNING id;
