-- The events of these spans, in order. Parameter: spans, a JSON array of [trace id, span id].
-- Read from the tables: for one span, the view events would read all records of its trace.
SELECT
  t.trace_id, s.span_id, e.name, e.recorded_name, e.time_unix_nano AS start_time_unix_nano, e.dropped_attributes,
  e.attribute_types, e.attributes
FROM json_each(:spans) AS k
CROSS JOIN _traces AS t ON t.trace_id = k.value ->> 0
CROSS JOIN _spans AS s ON s.trace = t.id AND s.span_id = k.value ->> 1
CROSS JOIN _events AS e ON e.span = s.id
WHERE e.source = 1
ORDER BY k.key, e.ordinal;
