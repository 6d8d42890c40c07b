CREATE VIEW _span_values AS
-- One row for each indexed attribute of a span: what _attribute_values holds of it. Private: the index is filled from it.
-- Of a span that shares texts, the stored attributes are JSON too, and what they lack is the beginning of texts that end
-- in a bracket: see write/shared_texts.py. So only these are read from the whole attributes.
SELECT
  v.attribute,
  CASE
    WHEN v.texts IS NOT NULL AND v.value LIKE '%]' THEN (
      SELECT substr(coalesce(a.attributes ->> v.path, (SELECT j.value FROM json_each(a.attributes) AS j WHERE j.key = v.key)), 1, 1000)
      FROM _whole_attributes AS a
      WHERE a.span = v.record
    )
    WHEN length(v.value) > 1000 THEN substr(v.value, 1, 1000)
    ELSE v.value
  END AS value,
  v.record
FROM (
  SELECT
    k.id AS attribute,
    k.key,
    k.path,
    s.texts,
    iif(k.path IS NULL, (SELECT j.value FROM json_each(s.attributes) AS j WHERE j.key = k.key), s.attributes ->> k.path) AS value,
    s.id AS record
  FROM _spans AS s
  CROSS JOIN _attribute_keys AS k
  WHERE k.source = 0 AND k.rest >= 0
) AS v
WHERE v.value IS NOT NULL;
