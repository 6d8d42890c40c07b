-- Removes those of some bounds that still have the note of the search :sweep, and takes it from the others. :bounds is an array of
-- ids.
DELETE FROM _histogram_bounds WHERE sweep = :sweep AND id IN (SELECT w.value FROM json_each(:bounds) AS w);
UPDATE _histogram_bounds SET sweep = 0 WHERE sweep = :sweep;
