CREATE OR REPLACE VIEW sessions AS
-- One row for each session, with everything that shows it: the sums over the days of its traces. What runs is not in a
-- dataset, so running is 0.
SELECT
  x.session_id,
  x.source,
  x.user_id,
  x.service_name,
  x.start_time_unix_nano,
  x.end_time_unix_nano,
  strftime(make_timestamp(x.start_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS start_time,
  strftime(make_timestamp(x.end_time_unix_nano // 1000), '%Y-%m-%dT%H:%M:%S.%fZ') AS end_time,
  (x.end_time_unix_nano - x.start_time_unix_nano) / 1e6 AS duration_ms,
  x.traces,
  x.spans,
  x.llm_calls,
  x.errors,
  x.input_tokens,
  x.output_tokens,
  x.total_tokens,
  x.attribute_types,
  x.attributes,
  CAST(0 AS BIGINT) AS running,
  x.interrupted,
  x.logs,
  x.cost_usd,
  x.unpriced_calls,
  x.id,
  x.failed_calls,
  x.failed_tools,
  x.failed_requests,
  CASE
    WHEN x.failed_requests > 0 THEN 'error'
    WHEN x.interrupted > 0 THEN 'interrupted'
    ELSE 'ok'
  END AS status,
  coalesce(m.pinned, CAST(0 AS BIGINT)) AS pinned,
  m.pin_label,
  m.note,
  coalesce(c.scores, CAST(0 AS BIGINT)) AS scores,
  k.score_means
FROM _session_sums AS x
LEFT JOIN (
  SELECT g.session_id, max(g.pinned) AS pinned, max(g.pin_label) AS pin_label, max(g.note) AS note
  FROM _valid_marks AS g
  WHERE g.trace_id = ''
  GROUP BY g.session_id
) AS m ON m.session_id = x.session_id
LEFT JOIN (
  SELECT o.session_id, count(*) AS scores
  FROM _scores AS o
  GROUP BY o.session_id
) AS c ON c.session_id = x.session_id
LEFT JOIN _score_means AS k ON k.session_id = x.session_id;
