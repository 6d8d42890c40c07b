CREATE VIEW sessions AS
-- One row for each session, with everything that shows it: spans and log records that name it, or take it from their
-- trace. source is the attribute that names it. user_id is the user of its first trace that names one, else of its
-- first call that does. service_name and attributes come from the root span of its first trace; where there is none,
-- service_name comes from its first log record. The times cover all its records; a running span counts
-- with its start. errors counts spans with status ERROR, also those of failures that were handled. failed_requests
-- counts its traces whose root, or another span without a local parent, failed (if there is none, the earliest span).
-- Of log records without spans, it counts the requests whose last call failed. status is running if any span runs, else
-- error if a request failed, else interrupted if any span is, else ok. Calls, tokens and cost are those of counted calls.
-- A sum of tokens is made of two, of the upper and the lower 32 bits: it stops at 2^63 - 1, where sum() would fail.
SELECT
  x.session_id,
  coalesce(
    (SELECT p.source FROM _trace_sessions AS p WHERE p.session = x.id AND p.own_session = x.id AND p.source IS NOT NULL
     ORDER BY p.source_rank, p.source LIMIT 1),
    (SELECT t.session_source FROM _traces AS t WHERE t.session = x.id ORDER BY t.session_rank, t.session_source LIMIT 1)
  ) AS source,
  coalesce(
    (SELECT t.user_id FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
     WHERE p.session = x.id AND p.spans + p.logs > 0 AND t.user_id IS NOT NULL
     ORDER BY t.start_time_unix_nano, t.trace_id LIMIT 1),
    (SELECT i.user_id FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
     WHERE p.session = x.id AND i.user_id IS NOT NULL ORDER BY i.start_time_unix_nano, i.user_id LIMIT 1)
  ) AS user_id,
  coalesce(
    (SELECT r.service_name FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
     JOIN _spans AS s ON s.id = (SELECT z.id FROM _spans AS z WHERE z.trace = t.id AND z.span_id = t.root_span_id ORDER BY z.kind IN (1, 4) LIMIT 1) JOIN _resources AS r ON r.id = s.resource
     WHERE p.session = x.id AND p.spans + p.logs > 0 ORDER BY t.start_time_unix_nano, t.trace_id LIMIT 1),
    (SELECT r.service_name FROM _trace_sessions AS p JOIN _logs AS l ON l.trace_session = p.id JOIN _resources AS r ON r.id = l.resource
     WHERE p.session = x.id ORDER BY l.time_unix_nano, r.service_name LIMIT 1)
  ) AS service_name,
  x.start_time_unix_nano,
  x.end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', x.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', x.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', x.end_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', x.end_time_unix_nano / 1000 % 1000000) AS end_time,
  (x.end_time_unix_nano - x.start_time_unix_nano) / 1e6 AS duration_ms,
  (SELECT count(DISTINCT p.trace) FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   WHERE p.session = x.id AND p.spans + p.logs > 0 AND t.trace_id <> '') AS traces,
  (SELECT sum(p.spans) FROM _trace_sessions AS p WHERE p.session = x.id) AS spans,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.is_aggregate = 0 AND i.counted = 1) AS llm_calls,
  (SELECT sum(p.errors) FROM _trace_sessions AS p WHERE p.session = x.id) AS errors,
  (SELECT iif(sum(i.input_tokens >> 32) + (sum(i.input_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(i.input_tokens >> 32) << 32) + sum(i.input_tokens & 4294967295)) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1) AS input_tokens,
  (SELECT iif(sum(i.output_tokens >> 32) + (sum(i.output_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(i.output_tokens >> 32) << 32) + sum(i.output_tokens & 4294967295)) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1) AS output_tokens,
  (SELECT iif(sum(i.total_tokens >> 32) + (sum(i.total_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(i.total_tokens >> 32) << 32) + sum(i.total_tokens & 4294967295)) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1) AS total_tokens,
  (SELECT s.attribute_types FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   JOIN _spans AS s ON s.id = (SELECT z.id FROM _spans AS z WHERE z.trace = t.id AND z.span_id = t.root_span_id ORDER BY z.kind IN (1, 4) LIMIT 1)
   WHERE p.session = x.id AND p.spans + p.logs > 0 ORDER BY t.start_time_unix_nano, t.trace_id LIMIT 1) AS attribute_types,
  (SELECT iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) FROM _trace_sessions AS p JOIN _traces AS t ON t.id = p.trace
   JOIN _spans AS s ON s.id = (SELECT z.id FROM _spans AS z WHERE z.trace = t.id AND z.span_id = t.root_span_id ORDER BY z.kind IN (1, 4) LIMIT 1)
   WHERE p.session = x.id AND p.spans + p.logs > 0 ORDER BY t.start_time_unix_nano, t.trace_id LIMIT 1) AS attributes,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _open_runs AS h ON h.id = o.run WHERE p.session = x.id AND h.is_gone = 0) AS running,
  (SELECT sum(p.interrupted) FROM _trace_sessions AS p WHERE p.session = x.id) + (SELECT count(*) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _open_runs AS h ON h.id = o.run WHERE p.session = x.id AND h.is_gone = 1) AS interrupted,
  (SELECT sum(p.logs) FROM _trace_sessions AS p WHERE p.session = x.id) AS logs,
  (SELECT round(sum(i.cost_usd), 12) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1) AS cost_usd,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1 AND i.is_unpriced = 1) AS unpriced_calls,
  x.id,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.is_aggregate = 0 AND i.counted = 1 AND i.has_failed = 1 AND (i.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = i.span))) AS failed_calls,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _tool_interactions AS i ON i.trace_session = p.id
   WHERE p.session = x.id AND i.counted = 1 AND i.has_failed = 1 AND (i.event IS NOT NULL OR NOT EXISTS (SELECT 1 FROM _open_spans AS o WHERE o.span = i.span))) AS failed_tools,
  (SELECT f.failed_requests FROM _failed_requests AS f WHERE f.session = x.id) AS failed_requests,
  CASE
    WHEN EXISTS (SELECT 1 FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _open_runs AS h ON h.id = o.run WHERE p.session = x.id AND h.is_gone = 0) THEN 'running'
    WHEN (SELECT f.failed_requests FROM _failed_requests AS f WHERE f.session = x.id) > 0 THEN 'error'
    WHEN EXISTS (SELECT 1 FROM _trace_sessions AS p WHERE p.session = x.id AND (p.interrupted > 0 OR p.id IN (SELECT o.trace_session FROM _open_spans AS o WHERE o.trace_session = p.id))) THEN 'interrupted'
    ELSE 'ok'
  END AS status,
  EXISTS (SELECT 1 FROM _marks AS m WHERE m.session_id = x.session_id AND m.trace_id = '' AND m.kind = 0 AND m.is_set = 1) AS pinned,
  (SELECT nullif(m.text, '') FROM _marks AS m WHERE m.session_id = x.session_id AND m.trace_id = '' AND m.kind = 0 AND m.is_set = 1) AS pin_label,
  (SELECT m.text FROM _marks AS m WHERE m.session_id = x.session_id AND m.trace_id = '' AND m.kind = 1 AND m.is_set = 1) AS note,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _scores AS c ON c.trace_session = p.id WHERE p.session = x.id) AS scores,
  (SELECT json_group_object(one.name, round(one.mean, 12)) FROM (SELECT c.name, avg(c.value) AS mean FROM _trace_sessions AS p JOIN _scores AS c ON c.trace_session = p.id
   WHERE p.session = x.id AND c.name IS NOT NULL AND c.value IS NOT NULL GROUP BY c.name HAVING abs(avg(c.value)) <= 1.7976931348623157e308) AS one HAVING count(*) > 0) AS score_means
FROM _session_times AS x;
