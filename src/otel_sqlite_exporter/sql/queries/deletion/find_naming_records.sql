-- The spans, span events and log records whose attributes may name a user: those that hold one of :needles, or whose
-- resource is one of :resources. A log record without a trace has no trace.
SELECT
  NULL AS log, s.trace_session AS part,
  s.resource IN (SELECT r.value FROM json_each(:resources) AS r) AS is_named,
  iif(s.texts IS NULL, s.attributes, (SELECT w.attributes FROM _whole_attributes AS w WHERE w.span = s.id)) AS attributes,
  s.attribute_types
FROM _spans AS s
WHERE s.resource IN (SELECT r.value FROM json_each(:resources) AS r)
   OR EXISTS (SELECT 1 FROM json_each(:needles) AS needle WHERE instr(s.attributes, needle.value) > 0)
UNION ALL
SELECT NULL, s.trace_session, 0, s.start_attributes, s.start_attribute_types
FROM _spans AS s
WHERE EXISTS (SELECT 1 FROM json_each(:needles) AS needle WHERE instr(s.start_attributes, needle.value) > 0)
UNION ALL
SELECT NULL, e.trace_session, 0, e.attributes, e.attribute_types
FROM _events AS e
WHERE e.source = 1 AND EXISTS (SELECT 1 FROM json_each(:needles) AS needle WHERE instr(e.attributes, needle.value) > 0)
UNION ALL
SELECT
  iif(t.trace_id = '', l.id, NULL), l.trace_session,
  l.resource IN (SELECT r.value FROM json_each(:resources) AS r), l.attributes, l.attribute_types
FROM _logs AS l
CROSS JOIN _traces AS t ON t.id = l.trace
WHERE l.resource IN (SELECT r.value FROM json_each(:resources) AS r)
   OR EXISTS (SELECT 1 FROM json_each(:needles) AS needle WHERE instr(l.attributes, needle.value) > 0);
