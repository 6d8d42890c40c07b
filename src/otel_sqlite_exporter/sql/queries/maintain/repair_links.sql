-- Undoes links that have one side only.
UPDATE _events
SET related_event = NULL, link_method = NULL
WHERE related_event IS NOT NULL
  AND (SELECT f.related_event FROM _events AS f WHERE f.id = _events.related_event) IS NOT _events.id;
