-- The series that name the session :id (of _sessions), as a JSON array of ids.
SELECT json_group_array(m.id)
FROM _sessions AS x
CROSS JOIN _metric_series AS m ON m.session_id = x.session_id
WHERE x.id = :id;
