CREATE OR REPLACE VIEW scores AS
-- One row for each score: a span event or log record gen_ai.evaluation.result.
SELECT
  c.id,
  c.trace_id,
  c.span_id,
  c.session_id,
  c.call_id,
  c.service_name,
  c.source,
  c.name,
  c.value,
  c.label,
  c.explanation,
  c.response_id,
  c.error_type,
  c.start_time_unix_nano,
  strftime(make_timestamp(c.start_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS start_time,
  c.attribute_types,
  c.attributes
FROM _scores AS c;
