-- The places of other calls that name the response of a call of these spans, and began within ten minutes of it: a JSON
-- array of ids of _spans, and one of [trace, span id] of log records. :spans is an array of ids of _spans.
WITH same (span, event) AS MATERIALIZED (
  SELECT DISTINCT o.span, o.event
  FROM json_each(:spans) AS w
  CROSS JOIN _llm_interactions AS i ON i.span = w.value AND i.response_id IS NOT NULL
  CROSS JOIN _llm_interactions AS o ON o.response_id = i.response_id
    AND o.start_time_unix_nano BETWEEN i.start_time_unix_nano - 600000000000 AND i.start_time_unix_nano + 600000000000
  WHERE o.span IS NOT i.span
)
SELECT
  (SELECT json_group_array(span) FROM same WHERE span IS NOT NULL) AS spans,
  (
    SELECT json_group_array(json_array(l.trace, l.span_id))
    FROM same
    CROSS JOIN _events AS e ON e.id = same.event
    CROSS JOIN _logs AS l ON l.id = e.log
    WHERE same.span IS NULL AND l.span_id IS NOT NULL
  ) AS logs;
