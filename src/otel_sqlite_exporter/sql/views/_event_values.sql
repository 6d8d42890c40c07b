CREATE VIEW _event_values AS
-- One row for each indexed attribute of a span event, as in _span_values.
SELECT v.attribute, iif(length(v.value) > 1000, substr(v.value, 1, 1000), v.value) AS value, v.record
FROM (
  SELECT
    k.id AS attribute,
    iif(k.path IS NULL, (SELECT j.value FROM json_each(e.attributes) AS j WHERE j.key = k.key), e.attributes ->> k.path) AS value,
    e.id AS record
  FROM _events AS e
  CROSS JOIN _attribute_keys AS k
  WHERE e.source = 1 AND k.source = 1 AND k.rest >= 0
) AS v
WHERE v.value IS NOT NULL;
