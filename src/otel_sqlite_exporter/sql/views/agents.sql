CREATE VIEW agents AS
-- One row for each agent of each service: the calls of models under one service and one agent name (gen_ai.agent.name;
-- NULL: neither these calls nor their resource name an agent). agent_id and version come from its spans or its
-- resource (gen_ai.agent.id; gen_ai.agent.version, else service.version); of several, the greatest. Calls and tokens
-- are those of counted calls.
SELECT
  a.agent_id,
  coalesce(nullif(a.agent_name, ''), a.resource_agent_name) AS agent_name,
  a.service_name,
  a.version,
  strftime('%Y-%m-%dT%H:%M:%S', a.first_seen_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', a.first_seen_unix_nano / 1000 % 1000000) AS first_seen,
  strftime('%Y-%m-%dT%H:%M:%S', a.last_seen_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', a.last_seen_unix_nano / 1000 % 1000000) AS last_seen,
  a.first_seen_unix_nano AS start_time_unix_nano,
  a.last_seen_unix_nano AS end_time_unix_nano,
  (SELECT count(*) FROM _agent_sessions AS x WHERE x.agent = a.id AND x.calls > 0) AS sessions,
  a.calls AS llm_calls,
  iif(a.reports > 0, iif(a.input_high + (a.input_low >> 32) > 2147483647, 9223372036854775807, (a.input_high << 32) + a.input_low), NULL) AS input_tokens,
  iif(a.reports > 0, iif(a.output_high + (a.output_low >> 32) > 2147483647, 9223372036854775807, (a.output_high << 32) + a.output_low), NULL) AS output_tokens,
  iif(a.reports > 0, iif(a.total_high + (a.total_low >> 32) > 2147483647, 9223372036854775807, (a.total_high << 32) + a.total_low), NULL) AS total_tokens,
  a.failed_calls
FROM _agents AS a
WHERE a.rows > 0;
