-- Ends open spans at the last write of their run, and the calls and executions of these spans. :spans is an array of ids
-- of _spans.
UPDATE _spans
SET end_time_unix_nano = max(_spans.start_time_unix_nano, h.last_write_unix_nano), end_time_source = 'estimated'
FROM json_each(:spans) AS w
JOIN _open_spans AS o ON o.span = w.value
JOIN _exporter_runs AS h ON h.id = o.run
WHERE _spans.id = o.span;
UPDATE _llm_interactions
SET end_time_unix_nano = s.end_time_unix_nano, is_interrupted = 1
FROM json_each(:spans) AS w
JOIN _spans AS s ON s.id = w.value
WHERE _llm_interactions.span = s.id AND _llm_interactions.event IS NULL;
UPDATE _tool_interactions
SET end_time_unix_nano = s.end_time_unix_nano, is_interrupted = 1
FROM json_each(:spans) AS w
JOIN _spans AS s ON s.id = w.value
WHERE _tool_interactions.span = s.id AND _tool_interactions.event IS NULL AND _tool_interactions.is_request = 0;
