-- Ties log records without a trace that are equal in several manifests: the same record, as a merge takes them.
INSERT INTO ties
WITH
  times AS (
    SELECT l.start_time_unix_nano AS time
    FROM _logs AS l
    WHERE l.trace_id IS NULL
    GROUP BY l.start_time_unix_nano
    HAVING min(l.manifest) <> max(l.manifest)
  )
SELECT DISTINCT
  l.unit, l.manifest,
  hash(
    'log', l.start_time_unix_nano, l.observed_time_unix_nano, l.service_name, coalesce(l.recorded_event_name, ''),
    coalesce(l.severity_number, -1), coalesce(l.body, ''), coalesce(l.attributes, ''), coalesce(l.resource_attributes, ''),
    coalesce(l.span_id, '')
  ) AS tie
FROM _logs AS l
SEMI JOIN times AS t ON t.time = l.start_time_unix_nano
WHERE l.trace_id IS NULL;
