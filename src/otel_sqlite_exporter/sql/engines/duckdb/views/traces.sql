CREATE OR REPLACE VIEW traces AS
-- One row for each trace.
SELECT
  t.trace_id,
  t.session_id,
  t.session_source,
  t.user_id,
  t.service_name,
  t.name,
  t.root_span_id,
  t.status,
  t.start_time_unix_nano,
  t.end_time_unix_nano,
  strftime(make_timestamp(t.start_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS start_time,
  strftime(make_timestamp(t.end_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS end_time,
  (t.end_time_unix_nano - t.start_time_unix_nano) / 1e6 AS duration_ms,
  t.spans,
  t.errors,
  t.llm_calls,
  t.attribute_types,
  t.attributes,
  t.running,
  t.interrupted,
  t.logs,
  t.input_tokens,
  t.output_tokens,
  t.total_tokens,
  t.cost_usd,
  t.unpriced_calls,
  t.id,
  t.failed_calls,
  t.failed_tools,
  t.failed_requests,
  coalesce(m.pinned, CAST(0 AS BIGINT)) AS pinned,
  m.pin_label AS pin_label,
  m.note AS note,
  t.scores,
  t.score_means
FROM _traces AS t
LEFT JOIN (
  SELECT g.trace_id, max(g.pinned) AS pinned, max(g.pin_label) AS pin_label, max(g.note) AS note
  FROM _valid_marks AS g
  WHERE g.session_id = ''
  GROUP BY g.trace_id
) AS m ON m.trace_id = t.trace_id;
