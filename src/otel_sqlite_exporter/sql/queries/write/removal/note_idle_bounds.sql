-- Notes the search :sweep at bounds that no point may refer to: who does so from now on takes the note away. :bounds is an array of
-- ids.
UPDATE _histogram_bounds SET sweep = :sweep WHERE id IN (SELECT w.value FROM json_each(:bounds) AS w);
