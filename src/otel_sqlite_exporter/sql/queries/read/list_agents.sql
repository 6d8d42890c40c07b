-- The agents in order of their service and name, after one of them. A call is of the agent that it names, else of the one
-- that the nearest span above names, as in complete_llm_interactions and the reports; else of that of its resource. Calls,
-- tokens and sessions are those of counted calls. Parameters: service, agent and start (NULL: from the first on), limit.
-- Plan: one pass over all calls, sorted by service and agent. (LIMIT -1 keeps SQLite from merging the two SELECTs.)
-- A sum of tokens is made of two, of the upper and the lower 32 bits: it stops at 2^63 - 1, where sum() would fail.
WITH
  calls AS (
    SELECT
      service_name, agent_name, session_id, counted, is_aggregate, start_time_unix_nano, end_time_unix_nano, input_tokens,
      output_tokens, total_tokens, status
    FROM complete_llm_interactions
    LIMIT -1
  ),
  sums AS (
    SELECT
      service_name,
      agent_name,
      min(start_time_unix_nano) AS start_time_unix_nano,
      max(end_time_unix_nano) AS end_time_unix_nano,
      count(DISTINCT session_id) FILTER (WHERE counted AND NOT is_aggregate) AS sessions,
      count(*) FILTER (WHERE counted AND NOT is_aggregate) AS llm_calls,
      sum(input_tokens >> 32) FILTER (WHERE counted) AS input_high,
      sum(input_tokens & 4294967295) FILTER (WHERE counted) AS input_low,
      sum(output_tokens >> 32) FILTER (WHERE counted) AS output_high,
      sum(output_tokens & 4294967295) FILTER (WHERE counted) AS output_low,
      sum(total_tokens >> 32) FILTER (WHERE counted) AS total_high,
      sum(total_tokens & 4294967295) FILTER (WHERE counted) AS total_low,
      count(*) FILTER (WHERE counted AND NOT is_aggregate AND status = 'error') AS failed_calls
    FROM calls
    GROUP BY service_name, agent_name
  ),
  names AS (
    SELECT service_name, ifnull(agent_name, '') AS agent_name FROM sums
    UNION
    SELECT service_name, agent_name FROM _agents WHERE rows > 0
  ),
  found AS (
    SELECT
      a.agent_id,
      coalesce(nullif(n.agent_name, ''), a.resource_agent_name) AS agent_name,
      n.service_name,
      a.version,
      strftime('%Y-%m-%dT%H:%M:%S', coalesce(s.start_time_unix_nano, a.first_seen_unix_nano) / 1000000000, 'unixepoch') || printf('.%06dZ', coalesce(s.start_time_unix_nano, a.first_seen_unix_nano) / 1000 % 1000000) AS first_seen,
      strftime('%Y-%m-%dT%H:%M:%S', coalesce(s.end_time_unix_nano, a.last_seen_unix_nano) / 1000000000, 'unixepoch') || printf('.%06dZ', coalesce(s.end_time_unix_nano, a.last_seen_unix_nano) / 1000 % 1000000) AS last_seen,
      coalesce(s.start_time_unix_nano, a.first_seen_unix_nano) AS start_time_unix_nano,
      coalesce(s.end_time_unix_nano, a.last_seen_unix_nano) AS end_time_unix_nano,
      ifnull(s.sessions, 0) AS sessions,
      ifnull(s.llm_calls, 0) AS llm_calls,
      iif(s.input_high + (s.input_low >> 32) > 2147483647, 9223372036854775807, (s.input_high << 32) + s.input_low) AS input_tokens,
      iif(s.output_high + (s.output_low >> 32) > 2147483647, 9223372036854775807, (s.output_high << 32) + s.output_low) AS output_tokens,
      iif(s.total_high + (s.total_low >> 32) > 2147483647, 9223372036854775807, (s.total_high << 32) + s.total_low) AS total_tokens,
      ifnull(s.failed_calls, 0) AS failed_calls
    FROM names AS n
    LEFT JOIN sums AS s ON s.service_name = n.service_name AND ifnull(s.agent_name, '') = n.agent_name
    LEFT JOIN _agents AS a ON a.service_name = n.service_name AND a.agent_name = n.agent_name
  )
SELECT *
FROM found
WHERE :service IS NULL OR (service_name, coalesce(agent_name, ''), start_time_unix_nano) > (:service, :agent, :start)
ORDER BY service_name, coalesce(agent_name, ''), start_time_unix_nano
LIMIT :limit;
