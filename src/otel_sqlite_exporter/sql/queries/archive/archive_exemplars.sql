-- The exemplars of the data points in a range of time, as the view exemplars shows them: [digest of the series, the columns of a
-- part but series_id, in their order, with the value as it is stored last]. Parameters: since, until (nanoseconds), of the point.
-- Plan: a search for each series of the file.
SELECT
  m.digest, e.name, e.kind, e.unit, e.service_name, e.point_time_unix_nano, e.point_start_time_unix_nano, e.ordinal,
  e.time_unix_nano, e.value, e.value_type, e.trace_id, e.span_id, e.session_id, e.span_name, e.attribute_types,
  e.attributes, e.series_attribute_types, e.series_attributes, q.value
FROM json_each((
  SELECT json_group_array(s.id) FROM _metric_series AS s
  WHERE EXISTS (
    SELECT 1 FROM _exemplars AS x
    WHERE x.series = s.id AND x.point_time_unix_nano >= :since AND x.point_time_unix_nano < :until
  )
)) AS w
CROSS JOIN _metric_series AS m ON m.id = w.value
CROSS JOIN exemplars AS e ON e.series_id = w.value AND e.point_time_unix_nano >= :since AND e.point_time_unix_nano < :until
CROSS JOIN _exemplars AS q ON q.series = w.value AND q.point_time_unix_nano = e.point_time_unix_nano
  AND q.point_start_time_unix_nano = ifnull(e.point_start_time_unix_nano, 0) AND q.ordinal = e.ordinal
ORDER BY e.name, m.digest, e.point_time_unix_nano, ifnull(e.point_start_time_unix_nano, 0), e.ordinal;
