-- Whether a series of a metric names a session. Plan: the index of the series of sessions.
SELECT EXISTS (SELECT 1 FROM _metric_series AS m WHERE m.session_id = :session_id);
