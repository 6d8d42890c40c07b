-- What tells that these two are still the records with these ids: a row for each that exists. Parameters: record (a start,
-- a finish or an event) and log. Plan: by key.
SELECT 'record', json_array(s.trace, s.span_id, s.start_time_unix_nano) FROM _spans AS s WHERE s.id = :record
UNION ALL
SELECT 'record', json_array(s.trace, s.span_id, s.start_time_unix_nano, s.end_time_unix_nano) FROM _spans AS s WHERE s.finish_record = :record
UNION ALL
SELECT 'record', json_array(e.span, e.name, e.time_unix_nano) FROM _events AS e WHERE e.id = :record
UNION ALL
SELECT 'log', json_array(l.trace, l.time_unix_nano, l.observed_time_unix_nano) FROM _logs AS l WHERE l.id = :log;
