-- The events and log records of a trace, with the moments and the kinds of them: 0 event, 1 exception, 2 log record,
-- 3 log record of an error (severity 17 and above). A log record names its span by text, as its span may be missing.
-- Parameters: trace_id, limit. Plan: by the traces and sessions of the records, so that no span is looked at.
SELECT e.span AS span, NULL AS span_id, e.time_unix_nano, e.name = 'exception' AS kind, NULL AS resource
FROM _traces AS t
CROSS JOIN _trace_sessions AS p ON p.trace = t.id
CROSS JOIN _events AS e ON e.trace_session = p.id
WHERE t.trace_id = :trace_id AND e.source = 1
UNION ALL
SELECT NULL, l.span_id, l.time_unix_nano, 2 + (ifnull(l.severity_number, 0) >= 17), l.resource
FROM _traces AS t
CROSS JOIN _logs AS l ON l.trace = t.id
WHERE t.trace_id = :trace_id AND l.span_id IS NOT NULL
LIMIT :limit;
