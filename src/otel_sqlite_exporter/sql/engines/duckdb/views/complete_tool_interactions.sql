CREATE OR REPLACE VIEW complete_tool_interactions AS
-- One row a tool execution, with its arguments and its result.
SELECT
  i.trace_id,
  i.span_id,
  i.parent_span_id,
  i.session_id,
  i.conversation_id,
  i.user_id,
  i.agent_name,
  i.service_name,
  i.name,
  i.tool_name,
  i.tool_call_id,
  i.tool_type,
  i.arguments,
  i.result,
  i.start_id,
  i.finish_id,
  i.start_time_unix_nano,
  i.end_time_unix_nano,
  strftime(make_timestamp(i.start_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS start_time,
  strftime(make_timestamp(i.end_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS end_time,
  i.duration_ms,
  i.waiting_ms,
  i.status,
  i.error_type,
  coalesce(i._combined_attributes, span_attributes.attributes) AS combined_attributes,
  i.source,
  i.dialect,
  i.asked_by_span_id,
  i.counted,
  i.id,
  i.error_message
FROM _tool_interactions AS i
LEFT JOIN (
  -- Grouped, so that DuckDB leaves the join out where its column is not asked for; by trace, so that it reads few parts.
  SELECT s.trace_id, s.id, max(s.attributes) AS attributes FROM _spans AS s GROUP BY s.trace_id, s.id
) AS span_attributes ON span_attributes.trace_id = i.trace_id AND span_attributes.id = i._span;
