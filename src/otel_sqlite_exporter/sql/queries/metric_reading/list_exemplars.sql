-- The exemplars that meet the filters (NULL: none), before one, the newest first. Of the keys of those that traces, names or
-- sessions lead to, the page is chosen first, and only its rows are joined to their spans. An exemplar is no later than its
-- point, so earlier points have none of the range.
-- Plan: of traces, the index of exemplars by trace; of names and sessions, those of series, and of each its exemplars; without
-- any of them, one pass over all exemplars.
WITH
  found AS (
    SELECT e.series, e.point_time_unix_nano, e.point_start_time_unix_nano, e.ordinal, e.time_unix_nano, e.span_id
    FROM json_each(:trace_id) AS v
    CROSS JOIN _exemplars AS e ON e.trace_id = v.value
    WHERE :trace_id IS NOT NULL
    UNION ALL
    SELECT e.series, e.point_time_unix_nano, e.point_start_time_unix_nano, e.ordinal, e.time_unix_nano, e.span_id
    FROM json_each(:name) AS v
    CROSS JOIN _instruments AS i ON i.name = v.value
    CROSS JOIN _metric_series AS m ON m.instrument = i.id
    CROSS JOIN _exemplars AS e ON e.series = m.id AND e.point_time_unix_nano >= coalesce(:since, -9e999)
    WHERE :trace_id IS NULL AND :name IS NOT NULL
    UNION ALL
    SELECT o.*
    FROM (
      SELECT e.series, e.point_time_unix_nano, e.point_start_time_unix_nano, e.ordinal, e.time_unix_nano, e.span_id
      FROM json_each(:session_id) AS v
      CROSS JOIN _metric_series AS m ON m.session_id = v.value
      CROSS JOIN _exemplars AS e ON e.series = m.id AND e.point_time_unix_nano >= coalesce(:since, -9e999)
      UNION
      SELECT e.series, e.point_time_unix_nano, e.point_start_time_unix_nano, e.ordinal, e.time_unix_nano, e.span_id
      FROM json_each(:session_id) AS v
      CROSS JOIN _sessions AS x ON x.session_id = v.value
      CROSS JOIN _trace_sessions AS z ON z.session = x.id
      CROSS JOIN _traces AS t ON t.id = z.trace
      CROSS JOIN _exemplars AS e ON e.trace_id = t.trace_id
    ) AS o
    WHERE :trace_id IS NULL AND :name IS NULL AND :session_id IS NOT NULL
    UNION ALL
    SELECT e.series, e.point_time_unix_nano, e.point_start_time_unix_nano, e.ordinal, e.time_unix_nano, e.span_id
    FROM _exemplars AS e
    WHERE :trace_id IS NULL AND :name IS NULL AND :session_id IS NULL
  ),
  page AS (
    SELECT f.*
    FROM found AS f
    WHERE (:since IS NULL OR f.time_unix_nano >= :since)
      AND (:until IS NULL OR f.time_unix_nano < :until)
      AND (:series IS NULL OR f.series IN (SELECT v.value FROM json_each(:series) AS v))
      AND (:span_id IS NULL OR f.span_id IN (SELECT v.value FROM json_each(:span_id) AS v))
      AND (
        :before_time IS NULL
        OR (coalesce(f.time_unix_nano, 0), f.series, f.point_time_unix_nano, f.point_start_time_unix_nano, f.ordinal)
          < (:before_time, :before_series, :before_point, :before_start, :before_ordinal)
      )
      -- What a row alone does not tell is asked of its view.
      AND (
        coalesce(:service_name, :session_id, iif(:trace_id IS NULL, NULL, :name)) IS NULL
        OR EXISTS (
          SELECT 1
          FROM exemplars AS e
          WHERE e.series_id = f.series
            AND e.point_time_unix_nano = f.point_time_unix_nano
            AND e.point_start_time_unix_nano IS nullif(f.point_start_time_unix_nano, 0)
            AND e.ordinal = f.ordinal
            AND (:name IS NULL OR e.name IN (SELECT v.value FROM json_each(:name) AS v))
            AND (:service_name IS NULL OR e.service_name IN (SELECT v.value FROM json_each(:service_name) AS v))
            AND (:session_id IS NULL OR e.session_id IN (SELECT v.value FROM json_each(:session_id) AS v))
        )
      )
    ORDER BY
      coalesce(f.time_unix_nano, 0) DESC, f.series DESC, f.point_time_unix_nano DESC, f.point_start_time_unix_nano DESC, f.ordinal DESC
    LIMIT :limit
  )
SELECT e.*
FROM page AS p
CROSS JOIN exemplars AS e ON e.series_id = p.series
  AND e.point_time_unix_nano = p.point_time_unix_nano
  AND e.point_start_time_unix_nano IS nullif(p.point_start_time_unix_nano, 0)
  AND e.ordinal = p.ordinal
ORDER BY
  coalesce(e.time_unix_nano, 0) DESC, e.series_id DESC, e.point_time_unix_nano DESC, coalesce(e.point_start_time_unix_nano, 0) DESC,
  e.ordinal DESC;
