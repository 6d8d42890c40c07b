-- The contents of spans that came again with the same end time, as one JSON object from span id to content. :ids is an
-- array of ids of _spans. The order is that of `_list_content` in write/span_versions.py.
SELECT json_group_object(s.id, json_array(
  s.status_code, iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)), s.attribute_types, s.name, s.kind, s.start_time_unix_nano, s.parent_span_id,
  s.parent_is_remote, s.trace_flags, s.trace_state, s.status_description,
  s.dropped_attributes, s.dropped_events, s.dropped_links, r.digest, c.digest,
  json((
    SELECT json_group_array(json_array(e.name, e.recorded_name, e.time_unix_nano, e.dropped_attributes, e.attribute_types, e.attributes))
    FROM (SELECT * FROM _events WHERE span = s.id AND source = 1 ORDER BY ordinal) AS e
  )),
  json((
    SELECT json_group_array(json_array(
      l.linked_trace_id, l.linked_span_id, l.is_remote, l.trace_flags, l.trace_state, l.dropped_attributes,
      l.attribute_types, l.attributes
    ))
    FROM (SELECT * FROM _links WHERE span = s.id ORDER BY ordinal) AS l
  ))
))
FROM json_each(:ids) AS w
CROSS JOIN _spans AS s ON s.id = w.value
CROSS JOIN _resources AS r ON r.id = s.resource
LEFT JOIN _scopes AS c ON c.id = s.scope;
