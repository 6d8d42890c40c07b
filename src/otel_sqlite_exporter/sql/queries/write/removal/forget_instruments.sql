-- Removes those of some instruments that have no series. :instruments is an array of ids of _instruments.
DELETE FROM _instruments
WHERE id IN (SELECT w.value FROM json_each(:instruments) AS w)
  AND NOT EXISTS (SELECT 1 FROM _metric_series AS m WHERE m.instrument = _instruments.id);
