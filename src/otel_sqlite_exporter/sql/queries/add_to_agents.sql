-- Adds what is written of model calls to their agents. :agents is [[resource, agent name or empty, agent id, version,
-- first seen, last seen, calls, rows with usage, input, output, total tokens], ...] in nanoseconds; :parts is
-- [[resource, agent name or empty, trace_session, rows], ...].
INSERT INTO _agents (
  service_name, agent_name, resource_agent_name, agent_id, version, first_seen_unix_nano, last_seen_unix_nano, calls,
  reports, input_tokens, output_tokens, total_tokens
)
SELECT
  r.service_name,
  w.value ->> 1,
  r.attributes ->> '$."gen_ai.agent.name"',
  coalesce(w.value ->> 2, r.attributes ->> '$."gen_ai.agent.id"'),
  coalesce(w.value ->> 3, r.attributes ->> '$."gen_ai.agent.version"', r.attributes ->> '$."service.version"'),
  w.value ->> 4,
  w.value ->> 5,
  w.value ->> 6,
  w.value ->> 7,
  w.value ->> 8,
  w.value ->> 9,
  w.value ->> 10
FROM json_each(:agents) AS w
JOIN _resources AS r ON r.id = w.value ->> 0
WHERE true
ON CONFLICT (service_name, agent_name) DO UPDATE SET
  resource_agent_name = max(
    coalesce(resource_agent_name, excluded.resource_agent_name),
    coalesce(excluded.resource_agent_name, resource_agent_name)
  ),
  agent_id = max(coalesce(agent_id, excluded.agent_id), coalesce(excluded.agent_id, agent_id)),
  version = max(coalesce(version, excluded.version), coalesce(excluded.version, version)),
  first_seen_unix_nano = min(first_seen_unix_nano, excluded.first_seen_unix_nano),
  last_seen_unix_nano = max(last_seen_unix_nano, excluded.last_seen_unix_nano),
  calls = calls + excluded.calls,
  reports = reports + excluded.reports,
  input_tokens = input_tokens + excluded.input_tokens,
  output_tokens = output_tokens + excluded.output_tokens,
  total_tokens = total_tokens + excluded.total_tokens;
INSERT INTO _agent_sessions (agent, session, calls)
SELECT a.id, p.session, sum(w.value ->> 3)
FROM json_each(:parts) AS w
JOIN _trace_sessions AS p ON p.id = w.value ->> 2
JOIN _resources AS r ON r.id = w.value ->> 0
JOIN _agents AS a ON a.service_name = r.service_name AND a.agent_name = w.value ->> 1
WHERE p.session IS NOT NULL
GROUP BY 1, 2
ON CONFLICT (agent, session) DO UPDATE SET calls = calls + excluded.calls;
