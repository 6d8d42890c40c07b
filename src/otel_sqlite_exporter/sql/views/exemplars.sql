CREATE VIEW exemplars AS
-- One row for each exemplar: a value that a point of a metric counts, and the span that measured it (span_name is NULL while the
-- file does not have it). ordinal is its place among the exemplars of its point.
SELECT
  i.name,
  i.kind,
  i.unit,
  m.id AS series_id,
  r.service_name,
  e.point_time_unix_nano,
  nullif(e.point_start_time_unix_nano, 0) AS point_start_time_unix_nano,
  e.ordinal,
  e.time_unix_nano,
  strftime('%Y-%m-%dT%H:%M:%S', e.time_unix_nano / 1000000000, 'unixepoch') || printf('.%06dZ', e.time_unix_nano / 1000 % 1000000) AS time,
  iif(typeof(e.value) <> 'text', e.value, CASE e.value WHEN 'NaN' THEN NULL WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 ELSE CAST(e.value AS REAL) END) AS value,
  CASE typeof(e.value) WHEN 'null' THEN NULL WHEN 'text' THEN iif(e.value = 'NaN', 'nan', iif(e.value LIKE '%Infinity', 'real', 'large')) ELSE typeof(e.value) END AS value_type,
  e.trace_id,
  e.span_id,
  coalesce(x.session_id, m.session_id) AS session_id,
  s.name AS span_name,
  e.attribute_types,
  e.attributes,
  m.attribute_types AS series_attribute_types,
  m.attributes AS series_attributes
FROM _instruments AS i
JOIN _metric_series AS m ON m.instrument = i.id
JOIN _resources AS r ON r.id = m.resource
JOIN _exemplars AS e ON e.series = m.id
LEFT JOIN _traces AS t ON t.trace_id = e.trace_id
LEFT JOIN _spans AS s ON s.id = (
  SELECT min(o.id) FROM _spans AS o WHERE o.trace = t.id AND o.span_id = e.span_id
)
LEFT JOIN _trace_sessions AS z ON z.id = s.trace_session
LEFT JOIN _sessions AS x ON x.id = z.session;
