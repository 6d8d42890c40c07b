-- The ids of bounds, as one JSON object. :bounds is an array of texts.
SELECT json_group_object(b.bounds, b.id) FROM json_each(:bounds) AS w CROSS JOIN _histogram_bounds AS b ON b.bounds = w.value;
