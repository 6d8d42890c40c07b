CREATE VIEW _named_series AS
-- One row for each series: its instrument, and whose it is. Private.
SELECT
  m.id,
  m.instrument,
  i.name,
  i.kind,
  i.unit,
  i.temporality,
  i.is_monotonic,
  r.service_name,
  m.session_id,
  m.user_id,
  m.attribute_types,
  m.attributes,
  r.attributes AS resource_attributes
FROM _instruments AS i
JOIN _metric_series AS m ON m.instrument = i.id
JOIN _resources AS r ON r.id = m.resource;
