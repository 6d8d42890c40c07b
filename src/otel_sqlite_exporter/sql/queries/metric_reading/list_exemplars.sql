-- The exemplars that meet the filters (NULL: none), before one, the newest first.
SELECT e.*
FROM exemplars AS e
WHERE (:name IS NULL OR e.name IN (SELECT v.value FROM json_each(:name) AS v))
  AND (:trace_id IS NULL OR e.trace_id IN (SELECT v.value FROM json_each(:trace_id) AS v))
  AND (:span_id IS NULL OR e.span_id IN (SELECT v.value FROM json_each(:span_id) AS v))
  AND (:service_name IS NULL OR e.service_name IN (SELECT v.value FROM json_each(:service_name) AS v))
  AND (:session_id IS NULL OR e.session_id IN (SELECT v.value FROM json_each(:session_id) AS v))
  AND (:since IS NULL OR e.time_unix_nano >= :since)
  AND (:until IS NULL OR e.time_unix_nano < :until)
  AND (
    :before_time IS NULL
    OR (coalesce(e.time_unix_nano, 0), e.series_id, e.point_time_unix_nano, coalesce(e.point_start_time_unix_nano, 0), e.ordinal)
      < (:before_time, :before_series, :before_point, :before_start, :before_ordinal)
  )
ORDER BY
  coalesce(e.time_unix_nano, 0) DESC, e.series_id DESC, e.point_time_unix_nano DESC, coalesce(e.point_start_time_unix_nano, 0) DESC,
  e.ordinal DESC
LIMIT :limit
