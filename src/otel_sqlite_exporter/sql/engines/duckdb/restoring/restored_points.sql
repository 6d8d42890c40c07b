-- The data points of series that name sessions, those of each series together and in the order of their times. $sessions is a list.
SELECT p.*
FROM _metrics AS p
SEMI JOIN (SELECT unnest($sessions::VARCHAR[]) AS session_id) AS w ON p.session_id = w.session_id
ORDER BY p.series_id, p.time_unix_nano, p.start_time_unix_nano NULLS FIRST;
