-- The :limit agents with the most calls. Plan: one pass over the agents, of which there are few.
SELECT agent_name, service_name, llm_calls
FROM agents
WHERE agent_name IS NOT NULL
ORDER BY llm_calls DESC, agent_name, service_name
LIMIT :limit;
