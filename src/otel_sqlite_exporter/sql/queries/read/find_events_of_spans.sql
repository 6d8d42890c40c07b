-- The events of these spans, in order. Parameter: spans, a JSON array of ids of _spans.
-- Read from the tables: for one span, the view events would read all records of its trace.
SELECT
  e.span, e.name, e.recorded_name, e.time_unix_nano AS start_time_unix_nano, e.dropped_attributes,
  e.attribute_types, e.attributes
FROM json_each(:spans) AS k
CROSS JOIN _events AS e ON e.span = k.value
WHERE e.source = 1
ORDER BY k.key, e.ordinal;
