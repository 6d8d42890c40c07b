CREATE VIEW indexed_attributes AS
-- One row for each record and attribute that `index --attribute` has indexed: id is that of the span (view spans), of the
-- span event (events) or of the log record (logs), as source says: span, event or log. value is that of ->> on its
-- attributes; of a text, the first 1,000 characters. An attribute that is not indexed, or not yet whole, has no rows.
SELECT
  k.key,
  CASE k.source WHEN 0 THEN 'span' WHEN 1 THEN 'event' ELSE 'log' END AS source,
  a.record AS id,
  a.value
FROM _attribute_keys AS k
CROSS JOIN _attribute_values AS a
WHERE a.attribute = k.id AND k.rest = 0;
