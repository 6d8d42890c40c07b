-- The starts of spans that were written before they ended, as one JSON array of [span, attributes, attribute types]:
-- from the start record, or else from a span that is still open or was interrupted. :ids is an array of ids of _spans.
SELECT json_group_array(json_array(
  s.id,
  coalesce(s.start_attributes, iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id))),
  iif(s.start_attributes IS NULL, s.attribute_types, s.start_attribute_types)
))
FROM json_each(:ids) AS w
CROSS JOIN _spans AS s ON s.id = w.value
WHERE s.start_attributes IS NOT NULL OR s.end_time_source IN ('open', 'estimated');
