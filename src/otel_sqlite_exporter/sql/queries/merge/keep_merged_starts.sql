-- Gives the start records of spans, in the file as :starts has them, the attributes that they had in the source. :starts is
-- [[trace id, span id, whether it receives, attributes, types, attributes of the start, types of the start], ...].
UPDATE _spans
SET start_attributes = w.value ->> 5, start_attribute_types = w.value ->> 6
FROM json_each(:starts) AS w
CROSS JOIN _traces AS t ON t.trace_id = w.value ->> 0
WHERE _spans.trace = t.id
  AND _spans.span_id = w.value ->> 1
  AND _spans.kind IN (1, 4) = w.value ->> 2
  AND _spans.finish_record IS NOT NULL
  AND _spans.start_attributes IS NULL
  AND _spans.attribute_types IS w.value ->> 4
  AND iif(
    _spans.texts IS NULL,
    _spans.attributes,
    (SELECT a.attributes FROM _whole_attributes AS a WHERE a.span = _spans.id)
  ) = w.value ->> 3;
