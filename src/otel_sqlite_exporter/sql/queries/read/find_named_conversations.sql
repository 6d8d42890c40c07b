-- The spans of a trace, those that receive last, each with the conversation that it names itself. Parameter: trace_id.
-- Plan: the spans of the trace by index.
SELECT s.id, s.span_id, s.parent_span_id, s.kind IN (1, 4) AS receives, n.conversation_id
FROM _traces AS t
CROSS JOIN _spans AS s ON s.trace = t.id
LEFT JOIN _named_conversations AS n ON n.span = s.id
WHERE t.trace_id = :trace_id
ORDER BY receives, s.id;
