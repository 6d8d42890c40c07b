-- The days with something that stays: a unit; a data point, or an exemplar, that is not of the series $series before
-- $until; a pin or note of others than the sessions $sessions and the traces $marked.
SELECT p.date FROM _trace_sessions AS p SEMI JOIN kept AS k ON k.unit = p.unit
UNION
SELECT m.date FROM _metrics AS m
WHERE NOT (list_contains($series::BIGINT[], m.series_id) AND m.time_unix_nano < $until)
UNION
SELECT e.date FROM _exemplars AS e
WHERE NOT (list_contains($series::BIGINT[], e.series_id) AND e.point_time_unix_nano < $until)
UNION
SELECT k.date FROM _marks AS k
WHERE NOT (
  coalesce(list_contains($sessions::VARCHAR[], k.session_id), false)
  OR coalesce(list_contains($marked::VARCHAR[], k.trace_id), false)
);
