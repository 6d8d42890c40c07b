-- Notes the traces of spans, calls and records that changed though no record of theirs is new, where their day may be archived.
-- :spans is an array of ids of _spans, :calls of ids of _llm_interactions, :events of ids of _events.
INSERT OR REPLACE INTO _rewritten_traces (id, trace)
SELECT n.last + row_number() OVER (ORDER BY t.id), t.id
FROM (
  SELECT s.trace FROM json_each(:spans) AS w CROSS JOIN _spans AS s ON s.id = w.value
  UNION
  SELECT i.trace FROM json_each(:calls) AS w CROSS JOIN _llm_interactions AS i ON i.id = w.value
  UNION
  SELECT p.trace
  FROM json_each(:events) AS w
  CROSS JOIN _events AS e ON e.id = w.value
  CROSS JOIN _trace_sessions AS p ON p.id = e.trace_session
) AS c
CROSS JOIN _traces AS t ON t.id = c.trace
CROSS JOIN (
  SELECT max(
    (SELECT coalesce(max(z.id), 0) FROM _rewritten_traces AS z), (SELECT coalesce(max(a.last_rewrite), 0) FROM _archives AS a)
  ) AS last
) AS n
WHERE t.start_time_unix_nano < (SELECT max(a.day) + 1 FROM _archives AS a) * 86400000000000;
