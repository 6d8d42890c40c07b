CREATE OR REPLACE VIEW _session_sums AS
-- One row for each session: what the view sessions shows, but marks and scores. A key begins with what it is ordered by,
-- a time of 20 digits and an id, so the smallest key is that of the first trace, call or log record. Private.
SELECT
  d.session_id,
  substr(min(lpad(CAST(d.source_rank AS VARCHAR), 10, '0') || d.source), 11) AS source,
  coalesce(
    substr(min(lpad(CAST(d.user_time_unix_nano AS VARCHAR), 20, '0') || d.user_trace_id || d.user_id), 53),
    substr(min(lpad(CAST(d.first_call_time_unix_nano AS VARCHAR), 20, '0') || d.first_call_user_id), 21)
  ) AS user_id,
  coalesce(
    substr(min(lpad(CAST(d.root_time_unix_nano AS VARCHAR), 20, '0') || d.root_trace_id || d.service_name), 53),
    substr(min(lpad(CAST(d.first_log_time_unix_nano AS VARCHAR), 20, '0') || d.first_log_service_name), 21)
  ) AS service_name,
  coalesce(
    min(CASE WHEN d.only_scores = 0 THEN d.start_time_unix_nano END),
    min(d.start_time_unix_nano)
  ) AS start_time_unix_nano,
  coalesce(
    max(CASE WHEN d.only_scores = 0 THEN d.end_time_unix_nano END),
    max(d.end_time_unix_nano)
  ) AS end_time_unix_nano,
  CAST(sum(d.traces) AS BIGINT) AS traces,
  CAST(sum(d.spans) AS BIGINT) AS spans,
  CAST(sum(d.llm_calls) AS BIGINT) AS llm_calls,
  CAST(sum(d.errors) AS BIGINT) AS errors,
  CAST(CASE WHEN sum(CAST(d.input_tokens AS DECIMAL(38, 0))) > 9223372036854775807 THEN 9223372036854775807
    ELSE sum(CAST(d.input_tokens AS DECIMAL(38, 0))) END AS BIGINT) AS input_tokens,
  CAST(CASE WHEN sum(CAST(d.output_tokens AS DECIMAL(38, 0))) > 9223372036854775807 THEN 9223372036854775807
    ELSE sum(CAST(d.output_tokens AS DECIMAL(38, 0))) END AS BIGINT) AS output_tokens,
  CAST(CASE WHEN sum(CAST(d.total_tokens AS DECIMAL(38, 0))) > 9223372036854775807 THEN 9223372036854775807
    ELSE sum(CAST(d.total_tokens AS DECIMAL(38, 0))) END AS BIGINT) AS total_tokens,
  nullif(
    arg_min(
      coalesce(d.attribute_types, ''),
      lpad(CAST(d.root_time_unix_nano AS VARCHAR), 20, '0') || d.root_trace_id
    ),
    ''
  ) AS attribute_types,
  arg_min(d.attributes, lpad(CAST(d.root_time_unix_nano AS VARCHAR), 20, '0') || d.root_trace_id) AS attributes,
  CAST(sum(d.interrupted) AS BIGINT) AS interrupted,
  CAST(sum(d.logs) AS BIGINT) AS logs,
  round(sum(d.cost_usd), 12) AS cost_usd,
  CAST(sum(d.unpriced_calls) AS BIGINT) AS unpriced_calls,
  min(d.id) AS id,
  CAST(sum(d.failed_calls) AS BIGINT) AS failed_calls,
  CAST(sum(d.failed_tools) AS BIGINT) AS failed_tools,
  CAST(sum(d.failed_requests) AS BIGINT) AS failed_requests
FROM _sessions AS d
GROUP BY d.session_id
HAVING sum(d.spans) + sum(d.logs) > 0;
