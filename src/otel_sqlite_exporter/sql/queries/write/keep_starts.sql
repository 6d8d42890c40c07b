-- Gives start records the attributes that their span lacked when it ended. :starts is [[span, attributes, types], ...].
UPDATE _events
SET attributes = w.value ->> 1, attribute_types = w.value ->> 2
FROM json_each(:starts) AS w
WHERE _events.span = w.value ->> 0 AND _events.source = 0 AND _events.phase = 'start';
