-- The usage of an agent or workflow repeats that of the calls in its trace, once there are any. :traces is an array of
-- ids of _traces.
UPDATE _llm_interactions
SET counted = 0
WHERE is_aggregate = 1 AND counted = 1
  AND trace_session IN (SELECT p.id FROM json_each(:traces) AS w JOIN _trace_sessions AS p ON p.trace = w.value)
  AND EXISTS (
    SELECT 1
    FROM _trace_sessions AS own
    JOIN _trace_sessions AS p ON p.trace = own.trace
    JOIN _llm_interactions AS c ON c.trace_session = p.id
    WHERE own.id = _llm_interactions.trace_session AND c.is_aggregate = 0
      AND (c.input_tokens IS NOT NULL OR c.output_tokens IS NOT NULL OR c.total_tokens IS NOT NULL)
  );
