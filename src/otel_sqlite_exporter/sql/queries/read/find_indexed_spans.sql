-- Ids of the spans whose indexed attribute :indexed_key has a value from :low to :high.
SELECT a.record AS id
FROM _attribute_values AS a
WHERE
  a.attribute = (SELECT k.id FROM _attribute_keys AS k WHERE k.key = :indexed_key AND k.source = 0)
  AND a.value BETWEEN :low AND :high
