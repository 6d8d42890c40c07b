-- The series whose attributes may name a user: those that hold one of :needles, or whose resource is one of :resources.
SELECT m.id, m.resource IN (SELECT r.value FROM json_each(:resources) AS r) AS is_named, m.attributes, m.attribute_types
FROM _metric_series AS m
WHERE m.resource IN (SELECT r.value FROM json_each(:resources) AS r)
   OR EXISTS (SELECT 1 FROM json_each(:needles) AS needle WHERE instr(m.attributes, needle.value) > 0);
