-- Removes what a reader has noted.
DELETE FROM temp._day_conversations WHERE reader = :reader;
