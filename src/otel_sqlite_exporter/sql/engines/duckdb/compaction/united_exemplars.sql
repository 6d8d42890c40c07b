-- Each exemplar once: of the newest part that knows its span.
SELECT u.* EXCLUDE (_part)
FROM united AS u
QUALIFY row_number() OVER (
  PARTITION BY u.series_id, u.point_time_unix_nano, u.point_start_time_unix_nano, u.ordinal
  ORDER BY u.span_name IS NULL, u._part DESC
) = 1
ORDER BY u.name, u.series_id, u.point_time_unix_nano, u.point_start_time_unix_nano NULLS FIRST, u.ordinal;
