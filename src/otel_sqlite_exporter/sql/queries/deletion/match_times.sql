-- Matches all parts of the traces that started at or after :since and before :until, and those of log records without a
-- trace, each of which has a time of its own.
INSERT INTO temp._matched_parts (part, kinds)
SELECT p.id, :kind
FROM _traces AS t
CROSS JOIN _trace_sessions AS p ON p.trace = t.id
WHERE t.start_time_unix_nano >= :since AND t.start_time_unix_nano < :until AND t.trace_id <> ''
ON CONFLICT (part) DO UPDATE SET kinds = kinds | excluded.kinds;
INSERT INTO temp._matched_parts (part, kinds)
SELECT p.id, :kind
FROM _traces AS t
CROSS JOIN _trace_sessions AS p ON p.trace = t.id
WHERE t.trace_id = ''
ON CONFLICT (part) DO UPDATE SET kinds = kinds | excluded.kinds;
