-- Adds to the late and the refused points of series. :counts is an array of [series, late, refused].
UPDATE _metric_series AS m
SET late_points = m.late_points + (w.value ->> 1), refused_points = m.refused_points + (w.value ->> 2)
FROM json_each(:counts) AS w
WHERE m.id = w.value ->> 0;
