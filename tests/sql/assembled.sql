-- newest sessions
-- :limit = 50
SELECT *
FROM sessions
ORDER BY end_time_unix_nano DESC, id DESC
LIMIT :limit;

-- sessions of a user in a range
-- :since = 1769860800000000000
-- :until = 1769860800000000001
-- :user_id = 'ada'
-- :limit = 50
SELECT *
FROM sessions
WHERE end_time_unix_nano >= :since
AND start_time_unix_nano < :until
AND user_id = :user_id
ORDER BY end_time_unix_nano DESC, id DESC
LIMIT :limit;

-- traces of a session
-- :session_id = 'chat-17'
-- :limit = 50
SELECT *
FROM traces
WHERE session_id = :session_id
ORDER BY start_time_unix_nano DESC, id DESC
LIMIT :limit;

-- slow spans of two services
-- :service_name = '["a", "b"]'
-- :min_duration_ms = 5
-- :limit = 50
SELECT *
FROM spans
WHERE service_name IN (SELECT value FROM json_each(:service_name))
AND duration_ms >= :min_duration_ms
ORDER BY start_time_unix_nano DESC, id DESC
LIMIT :limit;

-- spans by attributes
-- :key_0 = '$."a.b"'
-- :value_0 = 'x'
-- :key_1 = 'q"'
-- :value_1 = 1
-- :key_2 = '$."n"'
-- :value_2 = 1.5
-- :key_3 = '$."f"'
-- :value_3 = 'false'
-- :key_4 = '$."g"'
-- :value_4 = 2
-- :key_5 = '$."e"'
-- :limit = 50
SELECT *
FROM spans
WHERE json_type(attributes, :key_0) IN ('text') AND attributes ->> :key_0 = :value_0
AND (SELECT a.type FROM json_each(attributes) AS a WHERE a.key = :key_1) IN ('integer', 'real') AND (SELECT a.atom FROM json_each(attributes) AS a WHERE a.key = :key_1) = :value_1
AND json_type(attributes, :key_2) IN ('integer', 'real') AND attributes ->> :key_2 > :value_2
AND json_type(attributes, :key_3) = :value_3
AND json_type(attributes, :key_4) IS NOT NULL AND NOT (json_type(attributes, :key_4) IN ('integer', 'real') AND attributes ->> :key_4 = :value_4)
AND json_type(attributes, :key_5) IS NULL
ORDER BY start_time_unix_nano DESC, id DESC
LIMIT :limit;

-- starts of events
-- :source = 'event'
-- :phase = 'start'
-- :limit = 50
SELECT *
FROM events
WHERE source = :source
AND phase = :phase
ORDER BY id DESC
LIMIT :limit;

-- severe logs
-- :min_severity_number = 17
-- :limit = 50
SELECT *
FROM logs
WHERE severity_number >= :min_severity_number
ORDER BY start_time_unix_nano DESC, id DESC
LIMIT :limit;

-- calls of a model
-- :model = 'gpt-4.1'
-- :min_cost_usd = 0.5
-- :status = 'error'
-- :limit = 50
SELECT *
FROM complete_llm_interactions
WHERE (model = :model OR request_model = :model)
AND cost_usd >= :min_cost_usd
AND status = :status
ORDER BY start_time_unix_nano DESC, id DESC
LIMIT :limit;

-- calls that count
-- :counted = True
-- :limit = 50
SELECT *
FROM complete_llm_interactions
WHERE counted = :counted
ORDER BY start_time_unix_nano DESC, id DESC
LIMIT :limit;

-- calls by attribute
-- :key_0 = '$."gen_ai.request.temperature"'
-- :value_0 = 0.2
-- :limit = 50
SELECT *
FROM complete_llm_interactions
WHERE json_type(combined_attributes, :key_0) IN ('integer', 'real') AND combined_attributes ->> :key_0 <= :value_0
ORDER BY start_time_unix_nano DESC, id DESC
LIMIT :limit;

-- executions of a tool
-- :tool_name = 'search'
-- :limit = 50
SELECT *
FROM complete_tool_interactions
WHERE tool_name = :tool_name
ORDER BY start_time_unix_nano DESC, id DESC
LIMIT :limit;

-- traces by a text
-- :status = 'ok'
-- :session_id = 'chat-17'
-- :model = 'o3'
-- :model_like = 'gpt-4o*'
-- :status_2 = '["error", "running"]'
-- :key_0 = '$."a"'
-- :value_0 = 'x'
-- :tool_name = '["A", "B"]'
-- :cost_usd = 1
-- :limit = 50
SELECT *
FROM traces
WHERE status = :status
AND session_id = :session_id
AND EXISTS (SELECT 1 FROM complete_llm_interactions AS i WHERE i.trace_id = traces.trace_id AND (model = :model OR request_model = :model OR model GLOB :model_like OR request_model GLOB :model_like))
AND +id IN (SELECT p.trace FROM _trace_sessions AS f JOIN _traces AS t ON t.id = f.trace JOIN _trace_sessions AS p ON p.trace = t.id WHERE f.failed_entries > 0 OR t.root_span_id = '' OR (t.root_rank = 2 AND f.errors > 0) UNION ALL SELECT p.trace FROM _open_spans AS o JOIN _trace_sessions AS p ON p.id = o.trace_session) AND status IN (SELECT value FROM json_each(:status_2))
AND json_type(attributes, :key_0) IN ('text') AND attributes ->> :key_0 = :value_0
AND cost_usd IS NOT NULL
AND (EXISTS (SELECT 1 FROM complete_tool_interactions AS i WHERE i.trace_id = traces.trace_id AND tool_name IN (SELECT value FROM json_each(:tool_name)))) IS NOT TRUE
AND (cost_usd = :cost_usd) IS NOT TRUE
ORDER BY start_time_unix_nano DESC, id DESC
LIMIT :limit;

-- traces by words
-- :texts = '[["a", "b c"]]'
-- :texts_2 = '[["d"]]'
-- :limit = 50
SELECT *
FROM traces
WHERE (contains_text(:texts, name) OR EXISTS (SELECT 1 FROM spans AS c WHERE c.trace_id = traces.trace_id AND contains_text(:texts, c.name, c.status_description)) OR EXISTS (SELECT 1 FROM complete_llm_interactions AS c WHERE c.trace_id = traces.trace_id AND contains_text(:texts, c.prompt, c.completion)) OR EXISTS (SELECT 1 FROM complete_tool_interactions AS c WHERE c.trace_id = traces.trace_id AND contains_text(:texts, c.arguments, c.result)) OR EXISTS (SELECT 1 FROM logs AS c WHERE c.trace_id = traces.trace_id AND contains_text(:texts, c.body)))
AND ((contains_text(:texts_2, name) OR EXISTS (SELECT 1 FROM spans AS c WHERE c.trace_id = traces.trace_id AND contains_text(:texts_2, c.name, c.status_description)) OR EXISTS (SELECT 1 FROM complete_llm_interactions AS c WHERE c.trace_id = traces.trace_id AND contains_text(:texts_2, c.prompt, c.completion)) OR EXISTS (SELECT 1 FROM complete_tool_interactions AS c WHERE c.trace_id = traces.trace_id AND contains_text(:texts_2, c.arguments, c.result)) OR EXISTS (SELECT 1 FROM logs AS c WHERE c.trace_id = traces.trace_id AND contains_text(:texts_2, c.body)))) IS NOT TRUE
ORDER BY start_time_unix_nano DESC, id DESC
LIMIT :limit;

-- calls by a group
-- :cost_usd = 0.05
-- :total_tokens = 1000
-- :total_tokens_2 = 2000
-- :texts = '[["order"]]'
-- :limit = 50
SELECT *
FROM complete_llm_interactions
WHERE ((cost_usd > :cost_usd) OR (total_tokens >= :total_tokens AND total_tokens <= :total_tokens_2))
AND error_type IS NOT NULL
AND (contains_text(:texts, prompt, completion))
ORDER BY start_time_unix_nano DESC, id DESC
LIMIT :limit;

-- the oldest spans
-- :limit = 50
SELECT *
FROM spans
ORDER BY start_time_unix_nano ASC, id ASC
LIMIT :limit;

-- the next sessions
-- :after_0 = 1769860800000000000
-- :after_1 = 7
-- :limit = 50
SELECT *
FROM sessions
WHERE (end_time_unix_nano, id) < (:after_0, :after_1)
ORDER BY end_time_unix_nano DESC, id DESC
LIMIT :limit;

-- the next spans
-- :after_0 = 1769860800000000000
-- :after_1 = 7
-- :limit = 50
SELECT *
FROM spans
WHERE (start_time_unix_nano, id) < (:after_0, :after_1)
ORDER BY start_time_unix_nano DESC, id DESC
LIMIT :limit;

-- the next events
-- :after_0 = 7
-- :limit = 50
SELECT *
FROM events
WHERE (id) < (:after_0)
ORDER BY id DESC
LIMIT :limit;

-- the next calls
-- :after_0 = 1769860800000000000
-- :after_1 = 7
-- :limit = 50
SELECT *
FROM complete_llm_interactions
WHERE (start_time_unix_nano, id) < (:after_0, :after_1)
ORDER BY start_time_unix_nano DESC, id DESC
LIMIT :limit;

-- how many spans in all
SELECT spans
FROM row_counts;

-- how many calls count
SELECT counted_llm_interactions
FROM row_counts;

-- how many spans
-- :session_id = 'chat-17'
-- :until = 1769860800000000000
SELECT count(*)
FROM spans
WHERE session_id = :session_id
AND start_time_unix_nano < :until;

-- traces that begin so
-- :prefix = '4bf9'
-- :beyond = '4bf9\U0010ffff'
-- :limit = 6
SELECT DISTINCT trace_id
FROM traces
WHERE trace_id >= :prefix
AND trace_id < :beyond
ORDER BY trace_id
LIMIT :limit;

-- calls of a trace that begin so
-- :trace_id = 't'
-- :prefix = '00f0'
-- :beyond = '00f0\U0010ffff'
-- :limit = 6
SELECT DISTINCT span_id
FROM complete_llm_interactions
WHERE trace_id = :trace_id
AND span_id >= :prefix
AND span_id < :beyond
ORDER BY span_id
LIMIT :limit;
