CREATE VIEW traces AS
-- One row for each trace. name, service_name and attributes come from its root span: the span without a parent, else a
-- span with a remote parent, else the earliest. The times cover all its records; a running span counts with the last
-- write of its process. status is running if any span runs, else interrupted if any span is, else error if any span
-- failed, else ok. Calls, tokens and cost are those of counted calls.
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
    WHEN EXISTS (SELECT 1 FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id WHERE p.trace = t.id) THEN 'running'
    WHEN (SELECT sum(p.interrupted) FROM _trace_sessions AS p WHERE p.trace = t.id) > 0 THEN 'interrupted'
    WHEN (SELECT sum(p.errors) FROM _trace_sessions AS p WHERE p.trace = t.id) > 0 THEN 'error'
    ELSE 'ok'
  END AS status,
  t.start_time_unix_nano,
  max(t.end_time_unix_nano, ifnull((SELECT max(h.last_write_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _exporter_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) AS end_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', t.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', t.start_time_unix_nano / 1000 % 1000000) AS start_time,
  strftime('%Y-%m-%dT%H:%M:%S', max(t.end_time_unix_nano, ifnull((SELECT max(h.last_write_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _exporter_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) / 1000000000, 'unixepoch') || printf('.%06dZ', max(t.end_time_unix_nano, ifnull((SELECT max(h.last_write_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _exporter_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) / 1000 % 1000000) AS end_time,
  (max(t.end_time_unix_nano, ifnull((SELECT max(h.last_write_unix_nano) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id JOIN _exporter_runs AS h ON h.id = o.run WHERE p.trace = t.id), 0)) - t.start_time_unix_nano) / 1e6 AS duration_ms,
  (SELECT sum(p.spans) FROM _trace_sessions AS p WHERE p.trace = t.id) AS spans,
  (SELECT sum(p.errors) FROM _trace_sessions AS p WHERE p.trace = t.id) AS errors,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.is_aggregate = 0 AND i.counted = 1) AS llm_calls,
  s.attribute_types,
  iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes,
  (SELECT count(*) FROM _trace_sessions AS p JOIN _open_spans AS o ON o.trace_session = p.id WHERE p.trace = t.id) AS running,
  (SELECT sum(p.interrupted) FROM _trace_sessions AS p WHERE p.trace = t.id) AS interrupted,
  (SELECT sum(p.logs) FROM _trace_sessions AS p WHERE p.trace = t.id) AS logs,
  (SELECT iif(sum(i.input_tokens >> 32) + (sum(i.input_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(i.input_tokens >> 32) << 32) + sum(i.input_tokens & 4294967295)) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS input_tokens,
  (SELECT iif(sum(i.output_tokens >> 32) + (sum(i.output_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(i.output_tokens >> 32) << 32) + sum(i.output_tokens & 4294967295)) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS output_tokens,
  (SELECT iif(sum(i.total_tokens >> 32) + (sum(i.total_tokens & 4294967295) >> 32) > 2147483647, 9223372036854775807, (sum(i.total_tokens >> 32) << 32) + sum(i.total_tokens & 4294967295)) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS total_tokens,
  (SELECT round(sum(i.cost_usd), 12) FROM _trace_sessions AS p JOIN _llm_interactions AS i ON i.trace_session = p.id
   WHERE p.trace = t.id AND i.counted = 1) AS cost_usd,
  t.id
FROM _traces AS t
LEFT JOIN _sessions AS x ON x.id = t.session
LEFT JOIN _spans AS s ON s.id = (SELECT z.id FROM _spans AS z WHERE z.trace = t.id AND z.span_id = t.root_span_id ORDER BY z.kind IN (1, 4) LIMIT 1)
LEFT JOIN _resources AS r ON r.id = s.resource
WHERE t.trace_id <> '';
