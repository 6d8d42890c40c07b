CREATE OR REPLACE VIEW agents AS
-- One row for each agent of each service: the calls of models under one service and one agent name (NULL: neither these
-- calls nor their resource name an agent). Calls and tokens are those of counted calls.
SELECT
  g.agent_id,
  coalesce(g.agent_name, g.resource_agent_name) AS agent_name,
  g.service_name,
  g.version,
  strftime(make_timestamp(g.start_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS first_seen,
  strftime(make_timestamp(g.end_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS last_seen,
  g.start_time_unix_nano,
  g.end_time_unix_nano,
  g.sessions,
  g.llm_calls,
  g.input_tokens,
  g.output_tokens,
  g.total_tokens,
  g.failed_calls
FROM (
  SELECT
    a.service_name,
    a.agent_name,
    max(a.resource_agent_name) AS resource_agent_name,
    max(a.agent_id) AS agent_id,
    max(a.version) AS version,
    min(a.start_time_unix_nano) AS start_time_unix_nano,
    max(a.end_time_unix_nano) AS end_time_unix_nano,
    count(DISTINCT a.session_id) AS sessions,
    CAST(sum(a.llm_calls) AS BIGINT) AS llm_calls,
    CASE WHEN sum(a.reported) > 0 THEN CAST(CASE WHEN sum(CAST(a.input_tokens AS DECIMAL(38, 0))) > 9223372036854775807 THEN 9223372036854775807 ELSE sum(CAST(a.input_tokens AS DECIMAL(38, 0))) END AS BIGINT) END AS input_tokens,
    CASE WHEN sum(a.reported) > 0 THEN CAST(CASE WHEN sum(CAST(a.output_tokens AS DECIMAL(38, 0))) > 9223372036854775807 THEN 9223372036854775807 ELSE sum(CAST(a.output_tokens AS DECIMAL(38, 0))) END AS BIGINT) END AS output_tokens,
    CASE WHEN sum(a.reported) > 0 THEN CAST(CASE WHEN sum(CAST(a.total_tokens AS DECIMAL(38, 0))) > 9223372036854775807 THEN 9223372036854775807 ELSE sum(CAST(a.total_tokens AS DECIMAL(38, 0))) END AS BIGINT) END AS total_tokens,
    CAST(sum(a.failed_calls) AS BIGINT) AS failed_calls
  FROM _agents AS a
  GROUP BY a.service_name, a.agent_name
) AS g;
