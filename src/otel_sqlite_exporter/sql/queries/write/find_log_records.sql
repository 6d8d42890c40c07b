-- The starts and finishes among the log records of some spans, as one JSON array of [trace, span id, event, name,
-- phase, time, related event or null, link method or null], in an order that does not depend on arrival. :spans is
-- [[trace, span id], ...].
SELECT json_group_array(json_array(
  r.trace, r.span_id, r.id, r.name, r.phase, r.time_unix_nano, r.related_event, r.link_method
))
FROM (
  SELECT l.trace, l.span_id, e.id, e.name, e.phase, e.time_unix_nano, e.related_event, e.link_method
  FROM json_each(:spans) AS w
  JOIN _logs AS l ON l.trace = w.value ->> 0 AND l.span_id = w.value ->> 1
  JOIN _events AS e ON e.log = l.id
  WHERE e.phase IS NOT NULL
  ORDER BY l.trace, l.span_id, e.time_unix_nano, e.name, l.body, l.attributes, e.id
) AS r;
