-- Links starts and finishes among the log records of a span, and removes the links by time that they had. :links is
-- [[event, related event or null, link method or null, stem if it may still pair by time], ...].
UPDATE _events
SET related_event = NULL, link_method = NULL
WHERE related_event IN (SELECT w.value ->> 0 FROM json_each(:links) AS w);
UPDATE _events
SET related_event = w.value ->> 1, link_method = w.value ->> 2, stem = w.value ->> 3
FROM json_each(:links) AS w
WHERE _events.id = w.value ->> 0;
