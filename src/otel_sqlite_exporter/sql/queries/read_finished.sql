-- The attributes of finished spans, as one JSON object from span to [attributes, attribute types]. :ids is an array of
-- ids of _spans.
SELECT json_group_object(s.id, json_array(iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)), s.attribute_types))
FROM json_each(:ids) AS w
JOIN _spans AS s ON s.id = w.value;
