-- The days with data points, or exemplars, of the series $series from $since on and before $until; with exemplars of the
-- traces $traces or with the attributes $attributes; and with pins and notes of the sessions
-- $sessions and the traces $marked.
SELECT m.date FROM _metrics AS m
SEMI JOIN (SELECT unnest($series::BIGINT[]) AS series_id) AS w ON w.series_id = m.series_id
WHERE m.time_unix_nano >= $since AND m.time_unix_nano < $until
UNION
SELECT e.date FROM _exemplars AS e
SEMI JOIN (SELECT unnest($series::BIGINT[]) AS series_id) AS w ON w.series_id = e.series_id
WHERE e.point_time_unix_nano >= $since AND e.point_time_unix_nano < $until
UNION
SELECT e.date FROM _exemplars AS e
SEMI JOIN (SELECT unnest($traces::VARCHAR[]) AS trace_id) AS w ON w.trace_id = e.trace_id
UNION
SELECT e.date FROM _exemplars AS e
SEMI JOIN (SELECT unnest($attributes::VARCHAR[]) AS attributes) AS w ON w.attributes = e.attributes
UNION
SELECT k.date FROM _marks AS k
WHERE list_contains($sessions::VARCHAR[], k.session_id) OR list_contains($marked::VARCHAR[], k.trace_id);
