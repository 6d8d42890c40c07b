-- Chooses the exemplars of the traces :traces.
INSERT INTO temp._chosen_exemplars (series, point_time_unix_nano, point_start_time_unix_nano, ordinal)
SELECT e.series, e.point_time_unix_nano, e.point_start_time_unix_nano, e.ordinal
FROM json_each(:traces) AS n
CROSS JOIN _exemplars AS e ON e.trace_id = n.value AND e.trace_id IS NOT NULL
WHERE true
ON CONFLICT DO NOTHING;
