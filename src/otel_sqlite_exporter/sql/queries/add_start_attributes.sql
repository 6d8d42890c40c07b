-- Gives finished spans the attributes that only their start had. :attributes is [[span, attributes, types], ...].
UPDATE _spans
SET attributes = w.value ->> 1, attribute_types = w.value ->> 2, texts = NULL
FROM json_each(:attributes) AS w
WHERE _spans.id = w.value ->> 0;
