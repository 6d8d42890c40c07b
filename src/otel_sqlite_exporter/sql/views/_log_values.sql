CREATE VIEW _log_values AS
-- One row for each indexed attribute of a log record, as in _span_values.
SELECT v.attribute, iif(length(v.value) > 1000, substr(v.value, 1, 1000), v.value) AS value, v.record
FROM (
  SELECT
    k.id AS attribute,
    iif(k.path IS NULL, (SELECT j.value FROM json_each(l.attributes) AS j WHERE j.key = k.key), l.attributes ->> k.path) AS value,
    l.id AS record
  FROM _logs AS l
  CROSS JOIN _attribute_keys AS k
  WHERE k.source = 2 AND k.rest >= 0
) AS v
WHERE v.value IS NOT NULL;
