-- Gives start records the attributes that their span lacked when it ended. :starts is [[span, attributes, types], ...].
UPDATE _spans
SET start_attributes = w.value ->> 1, start_attribute_types = w.value ->> 2
FROM json_each(:starts) AS w
WHERE _spans.id = w.value ->> 0;
