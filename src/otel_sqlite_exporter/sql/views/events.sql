CREATE VIEW events AS
-- One row for each record: the start and the finish of every span (source 'span'), the events of spans (source
-- 'event') and the log records with an event name (source 'log'; the view logs has all log records). A start and its
-- finish refer to each other by related_event_id; duration_ms is the time between the two. link_method is how the pair
-- was found: 'span' (in one span) or 'temporal' (by name and time, in one trace or else one session); 'repeat' is a log
-- record that tells again what an event of its span tells, and is in no pair. The records of a span show the attributes
-- of the span; a running span has no finish yet. All branches give a column one type, else SQLite would make all rows
-- of the view to read one.
SELECT
  s.id,
  t.trace_id,
  s.span_id,
  x.session_id,
  r.service_name,
  CAST('span' AS TEXT) AS source,
  CAST(NULL AS INTEGER) AS ordinal,
  CAST('start' AS TEXT) AS phase,
  s.name,
  s.start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', s.start_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', s.start_time_unix_nano / 1000 % 1000000) AS start_time,
  iif(s.finish_record IS NULL, NULL, s.end_time_unix_nano - s.start_time_unix_nano) / 1e6 AS duration_ms,
  coalesce(s.start_time_source, 'record') AS time_source,
  s.finish_record AS related_event_id,
  CAST(iif(s.finish_record IS NULL, NULL, 'span') AS TEXT) AS link_method,
  NULL AS dropped_attributes,
  CAST(iif(s.start_attributes IS NULL, s.attribute_types, s.start_attribute_types) AS TEXT) AS attribute_types,
  coalesce(s.start_attributes, iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id))) AS attributes
FROM _spans AS s
JOIN _trace_sessions AS p ON p.id = s.trace_session
JOIN _traces AS t ON t.id = p.trace
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = s.resource
UNION ALL
SELECT
  s.finish_record AS id,
  t.trace_id,
  s.span_id,
  x.session_id,
  r.service_name,
  CAST('span' AS TEXT) AS source,
  CAST(NULL AS INTEGER) AS ordinal,
  CAST('finish' AS TEXT) AS phase,
  s.name,
  s.end_time_unix_nano AS start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', s.end_time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', s.end_time_unix_nano / 1000 % 1000000) AS start_time,
  (s.end_time_unix_nano - s.start_time_unix_nano) / 1e6 AS duration_ms,
  coalesce(s.end_time_source, 'record') AS time_source,
  s.id AS related_event_id,
  CAST('span' AS TEXT) AS link_method,
  NULL AS dropped_attributes,
  s.attribute_types,
  iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes
FROM _spans AS s
JOIN _trace_sessions AS p ON p.id = s.trace_session
JOIN _traces AS t ON t.id = p.trace
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _resources AS r ON r.id = s.resource
WHERE s.finish_record IS NOT NULL
UNION ALL
SELECT
  e.id,
  t.trace_id,
  CAST(coalesce(s.span_id, l.span_id) AS TEXT) AS span_id,
  x.session_id,
  r.service_name,
  CAST(CASE e.source WHEN 1 THEN 'event' ELSE 'log' END AS TEXT) AS source,
  e.ordinal,
  e.phase,
  e.name,
  e.time_unix_nano AS start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', e.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', e.time_unix_nano / 1000 % 1000000) AS start_time,
  CASE e.phase WHEN 'start' THEN f.time_unix_nano - e.time_unix_nano ELSE e.time_unix_nano - f.time_unix_nano END / 1e6 AS duration_ms,
  coalesce(e.time_source, 'record') AS time_source,
  e.related_event AS related_event_id,
  e.link_method,
  coalesce(e.dropped_attributes, l.dropped_attributes) AS dropped_attributes,
  CAST(iif(e.attributes IS NULL, l.attribute_types, e.attribute_types) AS TEXT) AS attribute_types,
  coalesce(e.attributes, l.attributes) AS attributes
FROM _events AS e
JOIN _trace_sessions AS p ON p.id = e.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _spans AS s ON s.id = e.span
LEFT JOIN _events AS f ON f.id = e.related_event
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _resources AS r ON r.id = coalesce(s.resource, l.resource);
