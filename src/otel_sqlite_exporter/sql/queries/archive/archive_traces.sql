-- The rows of the table traces of a dataset: those of the view traces without what marks say, and what the spans of a
-- trace named. The parameters are those of archive_spans. The sums are made once for all traces, not
-- once a column. No condition is on one table: in a large file, SQLite would read all of it to make a Bloom filter.
WITH
  started AS MATERIALIZED (
    SELECT t.id
    FROM _traces AS t
    WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
      AND (:traces IS NULL OR t.trace_id IN (SELECT w.value FROM json_each(:traces) AS w))
  ),
  used AS MATERIALIZED (
    SELECT
      d.id AS trace,
      count(*) FILTER (WHERE i.counted = 1 AND i.is_aggregate = 0) AS llm_calls,
      iif(sum(i.input_tokens >> 32) FILTER (WHERE i.counted = 1) + (sum(i.input_tokens & 4294967295) FILTER (WHERE i.counted = 1) >> 32) > 2147483647, 9223372036854775807, (sum(i.input_tokens >> 32) FILTER (WHERE i.counted = 1) << 32) + sum(i.input_tokens & 4294967295) FILTER (WHERE i.counted = 1)) AS input_tokens,
      iif(sum(i.output_tokens >> 32) FILTER (WHERE i.counted = 1) + (sum(i.output_tokens & 4294967295) FILTER (WHERE i.counted = 1) >> 32) > 2147483647, 9223372036854775807, (sum(i.output_tokens >> 32) FILTER (WHERE i.counted = 1) << 32) + sum(i.output_tokens & 4294967295) FILTER (WHERE i.counted = 1)) AS output_tokens,
      iif(sum(i.total_tokens >> 32) FILTER (WHERE i.counted = 1) + (sum(i.total_tokens & 4294967295) FILTER (WHERE i.counted = 1) >> 32) > 2147483647, 9223372036854775807, (sum(i.total_tokens >> 32) FILTER (WHERE i.counted = 1) << 32) + sum(i.total_tokens & 4294967295) FILTER (WHERE i.counted = 1)) AS total_tokens,
      round(sum(i.cost_usd) FILTER (WHERE i.counted = 1), 12) AS cost_usd,
      count(*) FILTER (WHERE i.counted = 1 AND i.is_unpriced = 1) AS unpriced_calls,
      count(*) FILTER (WHERE i.counted = 1 AND i.is_aggregate = 0 AND i.has_failed = 1 AND (i.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = i.span))) AS failed_calls
    FROM started AS d
    CROSS JOIN _trace_sessions AS p ON p.trace = d.id
    CROSS JOIN _llm_interactions AS i ON i.trace_session = p.id
    GROUP BY d.id
  ),
  failed AS MATERIALIZED (
    SELECT d.id AS trace, count(*) FILTER (WHERE i.counted = 1 AND i.has_failed = 1 AND (i.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = i.span))) AS tools
    FROM started AS d
    CROSS JOIN _trace_sessions AS p ON p.trace = d.id
    CROSS JOIN _tool_interactions AS i ON i.trace_session = p.id
    GROUP BY d.id
  ),
  shown AS MATERIALIZED (
    SELECT
      d.id AS trace,
      sum(p.spans) AS spans,
      sum(p.errors) AS errors,
      sum(p.failed_entries) AS failed_entries,
      sum(p.interrupted) AS interrupted,
      sum(p.logs) AS logs
    FROM started AS d
    CROSS JOIN _trace_sessions AS p ON p.trace = d.id
    GROUP BY d.id
  ),
  opened AS MATERIALIZED (
    SELECT
      d.id AS trace,
      count(*) FILTER (WHERE h.is_gone = 0) AS running,
      count(*) FILTER (WHERE h.is_gone = 1) AS interrupted,
      max(h.until_unix_nano) AS until_unix_nano
    FROM started AS d
    CROSS JOIN _trace_sessions AS p ON p.trace = d.id
    CROSS JOIN _open_spans AS o ON o.trace_session = p.id
    CROSS JOIN _open_runs AS h ON h.id = o.run
    GROUP BY d.id
  ),
  told AS MATERIALIZED (
    SELECT d.id AS trace, c.name, count(*) AS scores, avg(c.value) AS mean
    FROM started AS d
    CROSS JOIN _trace_sessions AS p ON p.trace = d.id
    CROSS JOIN _scores AS c ON c.trace_session = p.id
    GROUP BY d.id, c.name
  ),
  scored AS MATERIALIZED (
    SELECT
      m.trace,
      sum(m.scores) AS scores,
      nullif(json_group_object(m.name, round(m.mean, 12)) FILTER (WHERE m.name IS NOT NULL AND m.mean IS NOT NULL AND abs(m.mean) <= 1.7976931348623157e308), '{}') AS score_means
    FROM told AS m
    GROUP BY m.trace
  )
SELECT
  t.trace_id,
  x.session_id,
  t.session_source,
  t.user_id,
  r.service_name,
  s.name,
  t.root_span_id,
  CASE
    WHEN o.running > 0 THEN 'running'
    WHEN s.end_time_source IN ('estimated', 'open') THEN 'interrupted'
    WHEN t.root_rank = 2 AND (p.interrupted > 0 OR o.trace IS NOT NULL) THEN 'interrupted'
    WHEN s.status_code = 2 THEN 'error'
    WHEN t.root_span_id = '' THEN iif((
      SELECT i.has_failed FROM _trace_sessions AS p CROSS JOIN _llm_interactions AS i ON i.trace_session = p.id
      WHERE p.trace = t.id AND i.is_aggregate = 0 AND i.counted = 1
      ORDER BY i.end_time_unix_nano DESC, i.has_failed LIMIT 1
    ) = 1, 'error', 'ok')
    ELSE 'ok'
  END AS status,
  t.start_time_unix_nano,
  max(t.end_time_unix_nano, ifnull(o.until_unix_nano, 0)) AS end_time_unix_nano,
  p.spans,
  p.errors,
  s.attribute_types,
  iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes,
  ifnull(o.running, 0) AS running,
  p.interrupted + ifnull(o.interrupted, 0) AS interrupted,
  p.logs,
  ifnull(u.llm_calls, 0) AS llm_calls,
  u.input_tokens,
  u.output_tokens,
  u.total_tokens,
  u.cost_usd,
  ifnull(u.unpriced_calls, 0) AS unpriced_calls,
  ifnull(u.failed_calls, 0) AS failed_calls,
  ifnull(f.tools, 0) AS failed_tools,
  CASE
    WHEN t.root_span_id = '' THEN ifnull((
      SELECT i.has_failed FROM _trace_sessions AS p CROSS JOIN _llm_interactions AS i ON i.trace_session = p.id
      WHERE p.trace = t.id AND i.is_aggregate = 0 AND i.counted = 1
      ORDER BY i.end_time_unix_nano DESC, i.has_failed LIMIT 1
    ), 0)
    WHEN t.root_rank = 2 THEN ifnull(s.status_code = 2, 0)
    ELSE p.failed_entries > 0
  END AS failed_requests,
  ifnull(c.scores, 0) AS scores,
  c.score_means,
  :id_base + t.id AS id,
  t.session_rank AS _session_rank,
  t.session_is_child AS _session_is_child,
  t.session_time_unix_nano AS _session_time_unix_nano,
  t.entry_session_rank AS _entry_session_rank,
  t.user_source AS _user_source,
  t.user_rank AS _user_rank,
  t.user_is_child AS _user_is_child,
  t.user_time_unix_nano AS _user_time_unix_nano,
  t.root_rank AS _root_rank,
  t.root_time_unix_nano AS _root_time_unix_nano
FROM started AS d
CROSS JOIN _traces AS t ON t.id = d.id
LEFT JOIN shown AS p ON p.trace = d.id
LEFT JOIN opened AS o ON o.trace = d.id
LEFT JOIN used AS u ON u.trace = d.id
LEFT JOIN failed AS f ON f.trace = d.id
LEFT JOIN scored AS c ON c.trace = d.id
LEFT JOIN _sessions AS x ON x.id = t.session
LEFT JOIN _spans AS s ON s.id = (SELECT z.id FROM _spans AS z WHERE z.trace = t.id AND z.span_id = t.root_span_id ORDER BY z.kind IN (1, 4) LIMIT 1)
LEFT JOIN _resources AS r ON r.id = s.resource
ORDER BY t.trace_id;
