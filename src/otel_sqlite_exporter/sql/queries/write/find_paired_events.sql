-- The events that are paired with events of spans or with log records, as a JSON array of ids of _events. :spans is an array
-- of ids of _spans, :logs of _logs.
SELECT json_group_array(e.related_event)
FROM (
  SELECT e.related_event
  FROM json_each(:spans) AS w
  CROSS JOIN _events AS e ON e.span = w.value
  WHERE iif(e.source = 1, e.related_event, NULL) IS NOT NULL
  UNION
  SELECT e.related_event
  FROM json_each(:logs) AS w
  CROSS JOIN _events AS e ON e.log = w.value
  WHERE iif(e.source = 2, e.related_event, NULL) IS NOT NULL
) AS e;
