-- Changes links by time. :links is [[event, related event or null, link method or null], ...].
UPDATE _events
SET related_event = w.value ->> 1, link_method = w.value ->> 2
FROM json_each(:links) AS w
WHERE _events.id = w.value ->> 0;
