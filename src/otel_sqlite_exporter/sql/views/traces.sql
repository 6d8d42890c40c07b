CREATE VIEW traces AS
-- One row for each trace. name, service_name and attributes come from its root span: the span without a parent, else a
-- span with a remote parent, else the earliest. The times cover all its records; a running span counts with the last
-- write of its process. status is running if any span runs, else interrupted if the root span is (or any span, if only
-- the earliest stands for the root), else error if the root span failed, else ok. errors counts spans with status
-- ERROR, also those of failures that were handled; failed_requests is 1 if the root or another span without a local
-- parent failed, and if there is none, the earliest. A trace of log records only has failed if its last call did.
-- Calls, tokens and cost are those of counted calls.
-- A sum of tokens is made of two, of the upper and the lower 32 bits: it stops at 2^63 - 1, where sum() would fail.
SELECT
  t.trace_id,
  x.session_id,
  t.session_source,
  t.user_id,
  r.service_name,
  s.name,
  t.root_span_id,
  CASE
    WHEN EXISTS (SELECT 1 FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _open_runs AS h ON h.id = o.run WHERE p.trace = t.id AND h.is_gone = 0) THEN 'running'
    WHEN s.end_time_source IN ('estimated', 'open') THEN 'interrupted'
    WHEN t.root_rank = 2 AND EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.trace = t.id AND (p.interrupted > 0 OR p.id IN (SELECT o.trace_session FROM _open_spans AS o WHERE o.trace_session = p.id))) THEN 'interrupted'
    WHEN s.status_code = 2 THEN 'error'
    WHEN t.root_span_id = '' THEN iif((SELECT i.has_failed FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
       WHERE p.trace = t.id AND i.is_aggregate = 0 AND i.counted = 1
       ORDER BY i.end_time_unix_nano DESC, i.has_failed LIMIT 1) = 1, 'error', 'ok')
    ELSE 'ok'
  END AS status,
  t.start_time_unix_nano,
  max(t.end_time_unix_nano, ifnull((SELECT max(h.until_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _open_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', t.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', t.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', max(t.end_time_unix_nano, ifnull((SELECT max(h.until_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _open_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(t.end_time_unix_nano, ifnull((SELECT max(h.until_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _open_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) / 1000 % 1000000) AS end_time,
  (max(t.end_time_unix_nano, ifnull((SELECT max(h.until_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _open_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) - t.start_time_unix_nano) / 1e6 AS duration_ms,
  (SELECT sum(p.spans) FROM _trace_sessions AS p WHERE p.trace = t.id) AS spans,
  (SELECT sum(p.errors) FROM _trace_sessions AS p WHERE p.trace = t.id) AS errors,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.is_aggregate = 0 AND i.counted = 1) AS llm_calls,
  s.attribute_types,
  iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _open_runs AS h ON h.id = o.run WHERE p.trace = t.id AND h.is_gone = 0) AS running,
  (SELECT sum(p.interrupted) FROM _trace_sessions AS p WHERE p.trace = t.id) + (SELECT count(*) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _open_runs AS h ON h.id = o.run WHERE p.trace = t.id AND h.is_gone = 1) AS interrupted,
  (SELECT sum(p.logs) FROM _trace_sessions AS p WHERE p.trace = t.id) AS logs,
  (SELECT iif(sum(i.input_tokens >> 32) + (sum(i.input_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(i.input_tokens >> 32) << 32) + sum(i.input_tokens & 4294967295)) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS input_tokens,
  (SELECT iif(sum(i.output_tokens >> 32) + (sum(i.output_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(i.output_tokens >> 32) << 32) + sum(i.output_tokens & 4294967295)) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS output_tokens,
  (SELECT iif(sum(i.total_tokens >> 32) + (sum(i.total_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(i.total_tokens >> 32) << 32) + sum(i.total_tokens & 4294967295)) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS total_tokens,
  (SELECT round(sum(i.cost_usd), 12) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS cost_usd,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1 AND i.is_unpriced = 1) AS unpriced_calls,
  t.id,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.is_aggregate = 0 AND i.counted = 1 AND i.has_failed = 1 AND (i.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = i.span))) AS failed_calls,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _tool_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1 AND i.has_failed = 1 AND (i.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = i.span))) AS failed_tools,
  CASE
    WHEN t.root_span_id = '' THEN ifnull((SELECT i.has_failed FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
       WHERE p.trace = t.id AND i.is_aggregate = 0 AND i.counted = 1
       ORDER BY i.end_time_unix_nano DESC, i.has_failed LIMIT 1), 0)
    WHEN t.root_rank = 2 THEN ifnull(s.status_code = 2, 0)
    ELSE EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.trace = t.id AND p.failed_entries > 0)
  END AS failed_requests,
  EXISTS (SELECT 1 FROM _marks AS m WHERE m.session_id = '' AND m.trace_id = t.trace_id AND m.kind = 0 AND m.is_set = 1) AS pinned,
  (SELECT nullif(m.text, '') FROM _marks AS m WHERE m.session_id = '' AND m.trace_id = t.trace_id AND m.kind = 0 AND m.is_set = 1) AS pin_label,
  (SELECT m.text FROM _marks AS m WHERE m.session_id = '' AND m.trace_id = t.trace_id AND m.kind = 1 AND m.is_set = 1) AS note,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _scores AS c ON c.trace_session = p.id WHERE p.trace = t.id) AS scores,
  (SELECT json_group_object(one.name, round(one.mean, 12)) FROM (SELECT c.name, avg(c.value) AS mean FROM _trace_sessions AS p JOIN _scores AS c ON c.trace_session = p.id
   WHERE p.trace = t.id AND c.name IS NOT NULL AND c.value IS NOT NULL GROUP BY c.name HAVING abs(avg(c.value)) <= 1.7976931348623157e308) AS one HAVING count(*) > 0) AS score_means
FROM _traces AS t
LEFT JOIN _sessions AS x ON x.id = t.session
LEFT JOIN _spans AS s ON s.id = (SELECT z.id FROM _spans AS z WHERE z.trace = t.id AND z.span_id = t.root_span_id ORDER BY z.kind IN (1, 4) LIMIT 1)
LEFT JOIN _resources AS r ON r.id = s.resource
WHERE t.trace_id <> '';
