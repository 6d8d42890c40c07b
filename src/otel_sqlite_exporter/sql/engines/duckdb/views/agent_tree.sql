CREATE OR REPLACE VIEW agent_tree AS
-- One row for each span of an agent or workflow; its sums cover everything below it.
SELECT
  a.trace_id,
  a.span_id,
  a.parent_agent_span_id,
  a.depth,
  a.session_id,
  a.user_id,
  a.agent_name,
  a.service_name,
  a.name,
  a.operation,
  a.start_time_unix_nano,
  a.end_time_unix_nano,
  strftime(make_timestamp(a.start_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS start_time,
  a.duration_ms,
  a.status,
  a.llm_calls,
  a.tool_calls,
  a.input_tokens,
  a.output_tokens,
  a.total_tokens,
  a.cost_usd,
  a.unpriced_calls,
  a.errors,
  a.failed_calls,
  a.failed_tools
FROM _agent_tree AS a;
