-- The rows of the view events with these ids. Parameter: ids, a JSON array.
SELECT * FROM events WHERE id IN (SELECT value FROM json_each(:ids));
