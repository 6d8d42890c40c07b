-- Records of the view events by their ids. :ids is an array of them.
SELECT * FROM events WHERE id IN (SELECT value FROM json_each(:ids));
