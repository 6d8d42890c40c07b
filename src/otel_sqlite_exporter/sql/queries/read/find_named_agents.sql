-- The spans of a trace, those that receive last, each with the agent that its own call names. Parameter: trace_id. Plan:
-- the spans of the trace by index.
SELECT s.id, s.span_id, s.parent_span_id, s.kind IN (1, 4) AS receives, (
  SELECT a.agent_name FROM _llm_interactions AS a WHERE a.span = s.id AND ifnull(a.event, 0) = 0
) AS agent_name
FROM _traces AS t
CROSS JOIN _spans AS s ON s.trace = t.id
WHERE t.trace_id = :trace_id
ORDER BY receives, s.id;
