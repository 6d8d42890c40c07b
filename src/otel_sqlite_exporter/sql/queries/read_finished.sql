-- The attributes of finished spans, as one JSON object from span to [attributes, attribute types]. :ids is an array of
-- ids of _spans.
SELECT json_group_object(s.id, json_array(s.attributes, s.attribute_types))
FROM json_each(:ids) AS w
JOIN _spans AS s ON s.id = w.value;
