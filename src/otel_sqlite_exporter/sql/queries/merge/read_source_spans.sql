-- Spans as another file holds them, without what that file derives from them. :ids is an array of ids of _spans; the rows
-- come in its order, without being sorted, so that few are held at once.
SELECT
  s.id,
  s.finish_record,
  s.trace_session,
  s.resource,
  s.scope,
  s.start_attributes,
  s.start_attribute_types,
  (
    SELECT json_group_array(json_array(
      e.phase, e.name, e.time_unix_nano, e.time_source, NULL, e.stem, e.recorded_name, e.dropped_attributes,
      e.attribute_types, e.attributes
    ))
    FROM (SELECT * FROM _events AS q WHERE q.span = s.id AND q.source = 1 ORDER BY q.ordinal) AS e
  ) AS events,
  (
    SELECT json_group_array(json_array(
      l.linked_trace_id, l.linked_span_id, l.is_remote, l.trace_flags, l.trace_state, l.dropped_attributes,
      l.attribute_types, l.attributes
    ))
    FROM (SELECT * FROM _links AS q WHERE q.span = s.id ORDER BY q.ordinal) AS l
  ) AS links,
  t.trace_id,
  s.span_id,
  s.parent_span_id,
  s.parent_is_remote,
  s.trace_flags,
  s.trace_state,
  s.name,
  s.kind,
  s.start_time_unix_nano,
  s.end_time_unix_nano,
  s.start_time_source,
  s.end_time_source,
  s.status_code,
  s.status_description,
  s.dropped_attributes,
  s.dropped_events,
  s.dropped_links,
  s.attribute_types,
  iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes
FROM json_each(:ids) AS w
CROSS JOIN _spans AS s ON s.id = w.value
CROSS JOIN _traces AS t ON t.id = s.trace;
