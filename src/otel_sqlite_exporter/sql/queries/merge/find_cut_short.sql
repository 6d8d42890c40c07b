-- Which of some spans, whose process ended first, run in the file or end earlier there, as a JSON array of [id, end], and
-- their rows of _trace_sessions. :spans is [[trace id, span id, whether it receives, end], ...].
SELECT json_group_array(json_array(s.id, w.value ->> 3)) AS spans, json_group_array(DISTINCT s.trace_session) AS parts
FROM json_each(:spans) AS w
CROSS JOIN _traces AS t ON t.trace_id = w.value ->> 0
CROSS JOIN _spans AS s ON s.trace = t.id AND s.span_id = w.value ->> 1 AND s.kind IN (1, 4) = w.value ->> 2
WHERE s.end_time_source = 'open' OR (s.end_time_source = 'estimated' AND s.end_time_unix_nano < w.value ->> 3);
