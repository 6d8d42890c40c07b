-- Ids of the sessions of the traces with a span whose indexed attribute :indexed_key has a value from :low to :high. The
-- view shows the attributes of one span of each.
SELECT p.session AS id
FROM _attribute_values AS a
CROSS JOIN _spans AS s ON s.id = a.record
CROSS JOIN _trace_sessions AS p ON p.trace = s.trace
WHERE
  a.attribute = (SELECT k.id FROM _attribute_keys AS k WHERE k.key = :indexed_key AND k.source = 0)
  AND a.value BETWEEN :low AND :high AND p.session IS NOT NULL
