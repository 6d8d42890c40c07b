-- The events of the spans of these traces, in order. Parameter: traces, a JSON array of trace ids.
SELECT trace_id, span_id, name, start_time_unix_nano, dropped_attributes, attribute_types, attributes
FROM events
WHERE trace_id IN (SELECT value FROM json_each(:traces)) AND source = 'event'
ORDER BY trace_id, span_id, ordinal;
