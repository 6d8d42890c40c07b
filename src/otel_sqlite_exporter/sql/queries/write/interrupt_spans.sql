-- Ends the open spans of some runs at the last write of each, and the calls and executions of these spans. :runs is an
-- array of ids of _exporter_runs.
UPDATE _spans
SET end_time_unix_nano = max(_spans.start_time_unix_nano, h.last_write_unix_nano), end_time_source = 'estimated'
FROM json_each(:runs) AS w
JOIN _exporter_runs AS h ON h.id = w.value
JOIN _open_spans AS o ON o.run = h.id
WHERE _spans.id = o.span;
UPDATE _llm_interactions
SET end_time_unix_nano = s.end_time_unix_nano, is_interrupted = 1
FROM json_each(:runs) AS w
JOIN _open_spans AS o ON o.run = w.value
JOIN _spans AS s ON s.id = o.span
WHERE _llm_interactions.span = o.span AND _llm_interactions.event IS NULL;
UPDATE _tool_interactions
SET end_time_unix_nano = s.end_time_unix_nano, is_interrupted = 1
FROM json_each(:runs) AS w
JOIN _open_spans AS o ON o.run = w.value
JOIN _spans AS s ON s.id = o.span
WHERE _tool_interactions.span = o.span AND _tool_interactions.event IS NULL AND _tool_interactions.is_request = 0;
