-- The attributes of exemplars that hold $needle.
SELECT DISTINCT e.attributes, e.attribute_types
FROM _exemplars AS e
WHERE e.attributes <> '{}' AND contains(e.attributes, $needle);
