-- How many records have a value from :low to :high of the indexed attribute :indexed_key; more than :most: one more than
-- that.
SELECT count(*)
FROM (
  SELECT a.record
  FROM _attribute_keys AS k
  CROSS JOIN _attribute_values AS a ON a.attribute = k.id AND a.value BETWEEN :low AND :high
  WHERE k.key = :indexed_key
  LIMIT :most + 1
)
