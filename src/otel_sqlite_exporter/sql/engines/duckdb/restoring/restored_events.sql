-- Span events, and the records of log records, of traces; and of log records without a trace that show a session. $traces
-- and $sessions are lists; the empty session is that of records that show none. A log record has its attributes itself.
SELECT
  p.id,
  p.trace_id,
  p.session_id,
  if(p.source = 'event', 1, 2) AS source,
  p.ordinal,
  p.phase,
  p.name,
  p.start_time_unix_nano AS time_unix_nano,
  nullif(p.time_source, 'record') AS time_source,
  if(p.source = 'event', p.dropped_attributes, NULL) AS dropped_attributes,
  if(p.source = 'event', p.attribute_types, NULL) AS attribute_types,
  if(p.source = 'event', p.attributes, NULL) AS attributes,
  p._span AS span,
  p._log AS log,
  p._stem AS stem,
  p._recorded_name AS recorded_name
FROM (
  SELECT e.*
  FROM _events AS e
  SEMI JOIN (SELECT unnest($traces::VARCHAR[]) AS trace_id) AS w ON e.trace_id = w.trace_id
  UNION ALL
  SELECT e.*
  FROM _events AS e
  SEMI JOIN (SELECT unnest($sessions::VARCHAR[]) AS session_id) AS w ON coalesce(e.session_id, '') = w.session_id
  WHERE e.trace_id IS NULL
) AS p;
