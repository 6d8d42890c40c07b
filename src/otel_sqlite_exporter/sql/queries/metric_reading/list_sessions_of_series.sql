-- The first sessions that series name and whose id begins with :prefix; :end is after all of these. Plan: by the session.
SELECT DISTINCT m.session_id
FROM _metric_series AS m
WHERE m.session_id >= :prefix AND m.session_id < :end
ORDER BY m.session_id
LIMIT :limit;
