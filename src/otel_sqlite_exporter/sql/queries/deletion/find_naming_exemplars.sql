-- The keys of exemplars whose attributes hold one of :needles, and these attributes.
SELECT e.series, e.point_time_unix_nano, e.point_start_time_unix_nano, e.ordinal, e.attributes, e.attribute_types
FROM _exemplars AS e
WHERE e.attributes <> '{}' AND EXISTS (SELECT 1 FROM json_each(:needles) AS needle WHERE instr(e.attributes, needle.value) > 0);
