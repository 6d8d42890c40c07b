-- The agents in order of their service and name, after one of them. Parameters: service, agent and start (NULL: from the
-- first on), limit. Plan: all agents, of which a file has few.
SELECT a.*
FROM agents AS a
WHERE :service IS NULL OR (a.service_name, coalesce(a.agent_name, ''), a.start_time_unix_nano) > (:service, :agent, :start)
ORDER BY a.service_name, coalesce(a.agent_name, ''), a.start_time_unix_nano
LIMIT :limit;
