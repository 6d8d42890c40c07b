-- Adds the model calls of a batch to their agents. :agents is [[service, agent name or empty, name in the resource,
-- agent id, version, first seen, last seen, rows, calls, failed calls, rows with usage, then the upper and the lower 32 bits of input,
-- output and total tokens], ...], times in nanoseconds; :trace_sessions is [[service, agent name or empty, trace_session, rows], ...].
INSERT INTO _agents (
  service_name, agent_name, resource_agent_name, agent_id, version, first_seen_unix_nano, last_seen_unix_nano, rows,
  calls, failed_calls, reports, input_high, input_low, output_high, output_low, total_high, total_low
)
SELECT
  w.value ->> 0, w.value ->> 1, w.value ->> 2, w.value ->> 3, w.value ->> 4, w.value ->> 5, w.value ->> 6,
  w.value ->> 7, w.value ->> 8, w.value ->> 9, w.value ->> 10, w.value ->> 11, w.value ->> 12,
  w.value ->> 13, w.value ->> 14, w.value ->> 15, w.value ->> 16
FROM json_each(:agents) AS w
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
  rows = rows + excluded.rows,
  calls = calls + excluded.calls,
  failed_calls = failed_calls + excluded.failed_calls,
  reports = reports + excluded.reports,
  input_high = input_high + excluded.input_high,
  input_low = input_low + excluded.input_low,
  output_high = output_high + excluded.output_high,
  output_low = output_low + excluded.output_low,
  total_high = total_high + excluded.total_high,
  total_low = total_low + excluded.total_low;
INSERT INTO _agent_sessions (agent, session, calls)
SELECT a.id, p.session, sum(w.value ->> 3)
FROM json_each(:trace_sessions) AS w
JOIN _trace_sessions AS p ON p.id = w.value ->> 2
JOIN _agents AS a ON a.service_name = w.value ->> 0 AND a.agent_name = w.value ->> 1
WHERE p.session IS NOT NULL
GROUP BY 1, 2
ON CONFLICT (agent, session) DO UPDATE SET calls = calls + excluded.calls;
