-- The part of the table sessions for some parts: one row for each session that their traces show or name. spans and logs
-- are 0 where they only name it; such a row tells the source alone. Views: _trace_sessions and _traces.
-- Costs are added in their order, so that the sum of the same calls is always the same double.
WITH
  shown AS (
    -- One row for each session and trace. What a trace says of itself stands in each of its rows.
    SELECT
      p.session_id,
      p.trace_id,
      min(p.trace_start_time_unix_nano) AS trace_time,
      max(p.trace_user_id) AS trace_user_id,
      max(p.root_service_name) AS root_service_name,
      min((p.first_call_time_unix_nano, p.first_call_user_id)) FILTER (WHERE p.first_call_user_id IS NOT NULL) AS first_call,
      min((p.first_log_time_unix_nano, p.first_log_service_name)) FILTER (WHERE p.first_log_service_name IS NOT NULL) AS first_log,
      coalesce(min(p.start_time_unix_nano) FILTER (WHERE p.spans + p.logs > p.score_logs), min(p.start_time_unix_nano)) AS start_time,
      coalesce(max(p.end_time_unix_nano) FILTER (WHERE p.spans + p.logs > p.score_logs), max(p.end_time_unix_nano)) AS end_time,
      sum(p.spans + p.logs) = sum(p.score_logs) AS only_scores,
      sum(p.spans) AS spans,
      sum(p.errors) AS errors,
      sum(p.interrupted) AS interrupted,
      sum(p.logs) AS logs,
      sum(p.llm_calls) AS llm_calls,
      sum(p.input_tokens) AS input_tokens,
      sum(p.output_tokens) AS output_tokens,
      sum(p.total_tokens) AS total_tokens,
      sum(p.cost_usd ORDER BY p.cost_usd) AS cost_usd,
      sum(p.unpriced_calls) AS unpriced_calls,
      sum(p.failed_calls) AS failed_calls,
      sum(p.failed_tools) AS failed_tools,
      sum(p.failed_requests) AS failed_requests
    FROM _trace_sessions AS p
    WHERE p.session_id IS NOT NULL AND p.spans + p.logs > 0
    GROUP BY p.session_id, p.trace_id
  ),
  summed AS (
    SELECT
      w.session_id,
      min((w.trace_time, w.trace_id, w.trace_user_id)) FILTER (WHERE w.trace_user_id IS NOT NULL) AS first_user,
      min((w.trace_time, w.trace_id, w.root_service_name)) FILTER (WHERE w.root_service_name IS NOT NULL) AS first_root,
      min(w.first_call) AS first_call,
      min(w.first_log) AS first_log,
      coalesce(min(w.start_time) FILTER (WHERE NOT w.only_scores), min(w.start_time)) AS start_time,
      coalesce(max(w.end_time) FILTER (WHERE NOT w.only_scores), max(w.end_time)) AS end_time,
      bool_and(w.only_scores) AS only_scores,
      count(*) FILTER (WHERE w.trace_id <> '') AS traces,
      sum(w.spans) AS spans,
      sum(w.errors) AS errors,
      sum(w.interrupted) AS interrupted,
      sum(w.logs) AS logs,
      sum(w.llm_calls) AS llm_calls,
      least(sum(w.input_tokens), 9223372036854775807) AS input_tokens,
      least(sum(w.output_tokens), 9223372036854775807) AS output_tokens,
      least(sum(w.total_tokens), 9223372036854775807) AS total_tokens,
      count(w.input_tokens) > 0 AS has_input,
      count(w.output_tokens) > 0 AS has_output,
      count(w.total_tokens) > 0 AS has_total,
      sum(w.cost_usd ORDER BY w.cost_usd) AS cost_usd,
      sum(w.unpriced_calls) AS unpriced_calls,
      sum(w.failed_calls) AS failed_calls,
      sum(w.failed_tools) AS failed_tools,
      sum(w.failed_requests) AS failed_requests
    FROM shown AS w
    GROUP BY w.session_id
  ),
  named AS (
    -- The attribute by which records of its own name a session comes before the one by which a trace names it.
    SELECT n.session_id, min((n.rank, n.source)) AS source
    FROM (
      SELECT p.session_id, p.source_rank AS rank, p.source
      FROM _trace_sessions AS p
      WHERE p.session_id = p.own_session_id AND p.source IS NOT NULL
      UNION ALL
      SELECT t.session_id, t._session_rank + 1000000, t.session_source
      FROM _traces AS t
      WHERE t.session_id IS NOT NULL AND t.session_source IS NOT NULL
    ) AS n
    GROUP BY n.session_id
  )
SELECT
  k.session_id,
  CAST('0x' || substr(md5(k.session_id), 1, 15) AS BIGINT) AS id,
  m.source[2] AS source,
  m.source[1] AS source_rank,
  s.first_user[3] AS user_id,
  s.first_user[1] AS user_time_unix_nano,
  s.first_user[2] AS user_trace_id,
  s.first_call[2] AS first_call_user_id,
  s.first_call[1] AS first_call_time_unix_nano,
  s.first_root[3] AS service_name,
  s.first_root[1] AS root_time_unix_nano,
  s.first_root[2] AS root_trace_id,
  s.first_log[2] AS first_log_service_name,
  s.first_log[1] AS first_log_time_unix_nano,
  s.start_time AS start_time_unix_nano,
  s.end_time AS end_time_unix_nano,
  CAST(coalesce(s.only_scores, true) AS BIGINT) AS only_scores,
  coalesce(s.traces, 0) AS traces,
  CAST(coalesce(s.spans, 0) AS BIGINT) AS spans,
  CAST(coalesce(s.errors, 0) AS BIGINT) AS errors,
  r.attribute_types,
  r.attributes,
  CAST(coalesce(s.interrupted, 0) AS BIGINT) AS interrupted,
  CAST(coalesce(s.logs, 0) AS BIGINT) AS logs,
  CAST(coalesce(s.llm_calls, 0) AS BIGINT) AS llm_calls,
  CASE WHEN s.has_input THEN CAST(s.input_tokens AS BIGINT) END AS input_tokens,
  CASE WHEN s.has_output THEN CAST(s.output_tokens AS BIGINT) END AS output_tokens,
  CASE WHEN s.has_total THEN CAST(s.total_tokens AS BIGINT) END AS total_tokens,
  s.cost_usd,
  CAST(coalesce(s.unpriced_calls, 0) AS BIGINT) AS unpriced_calls,
  CAST(coalesce(s.failed_calls, 0) AS BIGINT) AS failed_calls,
  CAST(coalesce(s.failed_tools, 0) AS BIGINT) AS failed_tools,
  CAST(coalesce(s.failed_requests, 0) AS BIGINT) AS failed_requests
FROM (SELECT n.session_id FROM named AS n UNION SELECT s.session_id FROM summed AS s) AS k
LEFT JOIN summed AS s ON s.session_id = k.session_id
LEFT JOIN named AS m ON m.session_id = k.session_id
LEFT JOIN (
  -- A trace that stands in several of the parts has several rows.
  SELECT t.trace_id, min(t.attribute_types) AS attribute_types, min(t.attributes) AS attributes
  FROM _traces AS t
  GROUP BY t.trace_id
) AS r ON r.trace_id = s.first_root[2]
ORDER BY 1;
