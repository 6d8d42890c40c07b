-- Undoes links that have one side only, and links the records of each span with each other.
UPDATE _events
SET related_event = NULL, link_method = NULL
WHERE related_event IS NOT NULL
  AND (SELECT f.related_event FROM _events AS f WHERE f.id = _events.related_event) IS NOT _events.id;
UPDATE _events
SET related_event = f.id, link_method = 'span'
FROM _events AS f
WHERE _events.source = 0 AND _events.related_event IS NULL
  AND f.span = _events.span AND f.source = 0 AND f.phase <> _events.phase;
