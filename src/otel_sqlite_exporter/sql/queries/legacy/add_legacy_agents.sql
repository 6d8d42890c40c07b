-- Adds the agents of an old file that made no calls, and what is known of the others. :scope is the name of the
-- migration's scope.
INSERT INTO _agents (
  service_name, agent_name, resource_agent_name, agent_id, version, first_seen_unix_nano, last_seen_unix_nano, rows,
  calls, failed_calls, reports, input_high, input_low, output_high, output_low, total_high, total_low
)
SELECT
  r.service_name,
  '',
  r.attributes ->> '$."gen_ai.agent.name"',
  r.attributes ->> '$."gen_ai.agent.id"',
  r.attributes ->> '$."gen_ai.agent.version"',
  l.time_unix_nano,
  l.time_unix_nano,
  1,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0
FROM _logs AS l
JOIN _scopes AS c ON c.id = l.scope
JOIN _resources AS r ON r.id = l.resource
WHERE c.name = :scope AND l.event_name = 'legacy.agent'
ON CONFLICT (service_name, agent_name) DO UPDATE SET
  rows = rows + 1,
  first_seen_unix_nano = min(first_seen_unix_nano, excluded.first_seen_unix_nano),
  last_seen_unix_nano = max(last_seen_unix_nano, excluded.last_seen_unix_nano);
