CREATE OR REPLACE VIEW errors AS
-- One row for each failure, with its cause.
SELECT
  e.id,
  e.trace_id,
  e.span_id,
  e.parent_span_id,
  e.session_id,
  e.service_name,
  e.name,
  e.start_time_unix_nano,
  strftime(make_timestamp(e.start_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS start_time,
  e.error_type,
  e.status_description,
  e.exception_message,
  e.message,
  e.source,
  e.spans,
  e.requests,
  e.calls,
  e.tools,
  e.model,
  e.request_model,
  e.tool_name
FROM _errors AS e;
