-- The first series that names a session, and the time of its first point. Plan: by the session.
SELECT t.series, t.first_time_unix_nano
FROM _metric_series AS m
JOIN _series_times AS t ON t.series = m.id
WHERE m.session_id = :session_id
ORDER BY m.id
LIMIT 1;
