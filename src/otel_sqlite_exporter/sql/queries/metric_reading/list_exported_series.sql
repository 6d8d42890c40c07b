-- The ids of all series, those of one resource, scope and instrument together.
SELECT m.id
FROM _metric_series AS m
JOIN _instruments AS i ON i.id = m.instrument
ORDER BY m.resource, i.scope, m.instrument, m.id;
