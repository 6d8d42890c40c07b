CREATE VIEW events AS
-- One row for each record: the start and the finish of every span (source 'span'), the events of spans (source
-- 'event') and the log records with an event name (source 'log'; the view logs has all log records). A start and its
-- finish refer to each other by related_event_id; duration_ms is the time between the two. link_method is how the pair
-- was found: 'span' (in one span) or 'temporal' (by name and time, in one trace or else one session); 'repeat' is a log
-- record that tells again what an event of its span tells, and is in no pair. The records of a span show the attributes
-- of the span; a running span has no finish yet.
SELECT
  e.id,
  t.trace_id,
  coalesce(s.span_id, l.span_id) AS span_id,
  x.session_id,
  r.service_name,
  CASE e.source WHEN 0 THEN 'span' WHEN 1 THEN 'event' ELSE 'log' END AS source,
  e.ordinal,
  e.phase,
  coalesce(e.name, s.name) AS name,
  e.time_unix_nano AS start_time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', e.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', e.time_unix_nano / 1000 % 1000000) AS start_time,
  CASE e.phase WHEN 'start' THEN f.time_unix_nano - e.time_unix_nano ELSE e.time_unix_nano - f.time_unix_nano END / 1e6 AS duration_ms,
  coalesce(e.time_source, 'record') AS time_source,
  e.related_event AS related_event_id,
  e.link_method,
  coalesce(e.dropped_attributes, l.dropped_attributes) AS dropped_attributes,
  CASE WHEN e.attributes IS NOT NULL THEN e.attribute_types WHEN e.log IS NULL THEN s.attribute_types ELSE l.attribute_types END AS attribute_types,
  coalesce(e.attributes, iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)), l.attributes) AS attributes
FROM _events AS e
JOIN _trace_sessions AS p ON p.id = e.trace_session
LEFT JOIN _traces AS t ON t.id = p.trace AND t.trace_id <> ''
LEFT JOIN _spans AS s ON s.id = e.span
LEFT JOIN _events AS f ON f.id = e.related_event
LEFT JOIN _sessions AS x ON x.id = p.session
LEFT JOIN _logs AS l ON l.id = e.log
LEFT JOIN _resources AS r ON r.id = coalesce(s.resource, l.resource);
