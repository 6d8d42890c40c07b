-- Leaves of the chosen units those that match as well.
DELETE FROM chosen WHERE unit NOT IN (SELECT m.unit FROM matched AS m);
