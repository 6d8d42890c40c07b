-- The ids of the series that name a session, those of one resource, scope and instrument together. Plan: by the session.
SELECT m.id
FROM _metric_series AS m
JOIN _instruments AS i ON i.id = m.instrument
WHERE m.session_id = :session_id
ORDER BY m.resource, i.scope, m.instrument, m.id;
