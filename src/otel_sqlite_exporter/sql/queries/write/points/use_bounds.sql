-- Notes that points refer to these bounds. :bounds is an array of ids.
UPDATE _histogram_bounds SET sweep = 0 WHERE id IN (SELECT w.value FROM json_each(:bounds) AS w);
